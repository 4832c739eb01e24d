"""Every target, and its share of the inputs: the cheap ones take more."""

from tests.fuzz.faces import faces
from tests.fuzz.frames import frames, streams
from tests.fuzz.papers import consoles, papers
from tests.fuzz.recordings import recordings
from tests.fuzz.replies import calls, headers
from tests.fuzz.sockets import sockets
from tests.fuzz.target import Target
from tests.fuzz.tokens import doors
from tests.fuzz.wires import wires

TARGETS = (
    Target(name="client", share=0.26, fresh=calls),
    Target(name="headers", share=0.14, fresh=headers),
    Target(name="frames", share=0.26, fresh=frames),
    Target(name="streams", share=0.02, fresh=streams),
    Target(name="wires", share=0.02, fresh=wires),
    Target(name="face", share=0.1, fresh=faces, block=300),
    Target(name="tokens", share=0.08, fresh=doors, block=500),
    Target(name="sockets", share=0.05, fresh=sockets),
    Target(name="scenarios", share=0.02, fresh=papers),
    Target(name="console", share=0.03, fresh=consoles),
    Target(name="recordings", share=0.02, fresh=recordings),
)


def named(name: str) -> Target:
    """The target of that name."""
    return next(each for each in TARGETS if each.name == name)
