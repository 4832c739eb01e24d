"""A session of the app: what opens it decides how much of the venue's limits it takes."""

from pathlib import Path

import pytest

from makenaide.app.clock import StopFlag
from makenaide.app.identity import source
from makenaide.app.trader import open_session, wanted_account
from makenaide.domain.errors import Misconfigured
from makenaide.environment import load
from makenaide.exchange.upbit.client import UpbitClient
from makenaide.exchange.upbit.limiter import Group, LimiterSettings
from makenaide.store.claims import claims
from makenaide.store.db import Database
from tests.contract.residents import Place

pytestmark = pytest.mark.sockets


def test_a_command_that_only_looks_keeps_to_a_persons_share_and_a_run_to_the_traders(
    journal: Database, tmp_path: Path
) -> None:
    env = load({"MAKENAIDE_HOME": str(tmp_path)})
    wanted = wanted_account(env, source(env.config, {"days": 2, "markets": 3}))
    for only_look in (True, False):  # so it is the look that opens the account
        with open_session(env.config, journal, wanted, StopFlag(), only_look=only_look) as session:
            venue = session.venue
            assert isinstance(venue, UpbitClient)
            venue.limiter.require_share(Group.ORDER)
            if only_look:
                with pytest.raises(Misconfigured, match="order-cancel-all"):
                    venue.limiter.require_share(Group.ORDER_CANCEL_ALL)
            else:
                venue.limiter.require_share(Group.ORDER_CANCEL_ALL)
    assert session.account.settings["config"]["upbit"]["limiter"]["ticker"] == LimiterSettings().ticker


def test_a_trader_on_the_wall_clock_goes_on_when_its_venue_is_killed(journal: Database, tmp_path: Path) -> None:
    env = load({"MAKENAIDE_HOME": str(tmp_path), "MAKENAIDE_MARKET__HISTORY_DAYS": "3"})
    wanted = wanted_account(env, source(env.config, {"endless": True, "markets": 3}))
    here = Place(wanted.folder)
    try:
        with open_session(env.config, journal, wanted, StopFlag()) as session:
            before = session.venue.accounts()
            killed = here.kill_venue()
            assert session.venue.accounts() == before
            assert here.address.alive
            assert here.address.pid != killed.pid
            assert claims(wanted.folder / "venue-users") != ()
        assert claims(wanted.folder / "venue-users") == ()
    finally:
        here.end()
