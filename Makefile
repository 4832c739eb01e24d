# Makenaide. The two commands that matter: `make run` and `make test`.
# Everything is made inside .venv, .venv-peers and .venv-mutants beside this file; positions and prices live in the data folder
# (MAKENAIDE_HOME).

.DEFAULT_GOAL := help
.SUFFIXES:
.PHONY: help setup run test check check-matrix fuzz rehearse soak mutants bench bench-exchange exports runbooks lock clean dev peers mutmut

PYTHON ?= python3 python3.13 python3.12 python3.11
ARGS ?=
BENCH ?= *
# The tests that run whole programs and whole worlds; the rest are called within one process, where coverage sees them.
WHOLE := tests/acceptance tests/crash tests/simulation tests/mutants tests/matrix
# Those that run by themselves; `make bench-exchange` runs the exchange's, which need other people's clients.
BENCHES = $(filter-out bench/exchange%,$(wildcard bench/$(BENCH).py))

# Settings of pip and Python that would install elsewhere, or other things than the lock says.
unexport PYTHONHOME PYTHONPATH PYTHONSTARTUP PIP_CONSTRAINT PIP_NO_BINARY PIP_NO_COMPILE PIP_NO_DEPS PIP_ONLY_BINARY
unexport PIP_PREFIX PIP_PYTHON PIP_REQUIRE_HASHES PIP_REQUIRE_VIRTUALENV PIP_REQUIREMENT PIP_ROOT PIP_TARGET PIP_USER

# A stamp is named after what it was made from, the folder included: a venv does not survive a move.
RUN_KEY := $(shell { pwd -P; cat pyproject.toml locks/run.txt; } | cksum | cut -d ' ' -f 1)
DEV_KEY := $(shell { pwd -P; cat pyproject.toml locks/run.txt locks/dev.txt; } | cksum | cut -d ' ' -f 1)
RUN_STAMP := .venv/.run-$(RUN_KEY)
DEV_STAMP := .venv/.dev-$(DEV_KEY)
PEERS_KEY := $(shell { pwd -P; cat locks/peers.txt; } | cksum | cut -d ' ' -f 1)
PEERS_STAMP := .venv-peers/.peers-$(PEERS_KEY)
MUTANTS_KEY := $(shell { pwd -P; cat locks/mutants.txt; } | cksum | cut -d ' ' -f 1)
MUTANTS_STAMP := .venv-mutants/.mutants-$(MUTANTS_KEY)

PIP := .venv/bin/python -m pip install -qq --disable-pip-version-check
PEERS_PIP := .venv-peers/bin/python -m pip -qq --disable-pip-version-check
LOCKED := --require-hashes --only-binary :all:
COMPILE := .venv/bin/python -m compileall -qq -j 0
SUITABLE := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
HERE := import os, pip, sys; sys.exit(os.path.join(os.getcwd(), ".venv") not in open(".venv/pyvenv.cfg").read())

help:  ## this list / 이 목록
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

setup: $(RUN_STAMP)  ## only set up .venv / .venv 준비만
	@:

run: setup  ## trade on paper with the built-in simulator; more with ARGS="..." / 내장 시뮬레이터로 모의 매매
	@.venv/bin/makenaide run $(ARGS)

test: dev peers  ## every test, with coverage / 모든 테스트와 커버리지
	@# Two halves beside each other, of which one measures coverage. With ARGS only what those name runs.
	@half="$$(mktemp -d)"; trap 'rm -rf "$$half"' EXIT; \
	if [ -z "$(ARGS)" ]; then \
	    (.venv/bin/python -m pytest $(WHOLE) > "$$half/told" 2>&1; echo $$? > "$$half/code") & \
	fi; \
	REQUIRE_PEERS=1 .venv/bin/python -m pytest --cov --cov-report=term $(if $(ARGS),$(ARGS),$(WHOLE:%=--ignore=%)); \
	code=$$?; wait; \
	if [ -z "$(ARGS)" ]; then cat "$$half/told"; [ "$$(cat "$$half/code")" = 0 ] || code=1; fi; \
	exit $$code
	@echo "The pure rooms / 순수 모듈:"
	@.venv/bin/python -m coverage report --fail-under=100 \
	    --include='*/makenaide/domain/*,*/makenaide/strategy/*,*/makenaide/risk/*,*/makenaide/ledger/*'

check: dev  ## style, types, import contracts, house rules / 형식·타입·의존 방향·집 규칙
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache
	@.venv/bin/python -m pytest -q tests/unit/test_house_*.py

check-matrix: dev  ## each of the 19 checks in a good, a bad and a blind world; one of them with ARGS="--only M6" / 점검 19개 × 세 가지 세계
	@.venv/bin/python -m tests.matrix $(ARGS)

fuzz: dev  ## a million hostile inputs for the exchange; other counts and replays with ARGS / 거래소 퍼징
	@.venv/bin/python -m tests.fuzz $(ARGS)

rehearse: dev  ## every crash point of a full day, and 200 seeds of 30 days under faults / 모든 충돌 지점과 200개 세계 리허설
	@.venv/bin/makenaide rehearse --seed 1 --seeds 200 --days 30 --crashes $(ARGS)

soak: dev  ## a year of the schedule under kills, outages and clock jumps: nothing lost, nothing doubled / 일정의 1년을 장애 속에서
	@SCHEDULE_DAYS=$${SCHEDULE_DAYS:-366} .venv/bin/python -m pytest -q -s tests/simulation/test_schedule_year.py $(ARGS)

mutants: dev mutmut  ## what the tests do not notice in domain, risk, ledger, execution / 뮤테이션 테스트
	@.venv/bin/python -m tests.mutants $(ARGS)

bench: dev  ## figures (not tests) but the exchange's; one of them with BENCH=name / 성능 수치
	@test -n "$(BENCHES)" || { echo "no bench of that name runs by itself: $(BENCH); the exchange's parts: make bench-exchange ARGS=..." >&2; exit 2; }
	@for file in $(BENCHES); do echo "== $$file"; .venv/bin/python "$$file" || exit 1; done

bench-exchange: dev peers  ## the exchange's figures; one of them with ARGS=section / 거래소 성능 수치
	@.venv/bin/python bench/exchange.py $(ARGS)

exports: dev  ## rewrite the golden list of public names / 공개 이름 목록 다시 쓰기
	@.venv/bin/python -m pytest -q tests/unit/test_house_exports.py --rewrite-golden

runbooks: dev  ## write docs/runbooks again from the checks and plans / 런북 다시 쓰기
	@.venv/bin/python -m makenaide.cli.runbook docs/runbooks

lock:  ## lock the dependencies again; newer versions with ARGS=--upgrade / 의존성 다시 잠그기
	@folder="$$(mktemp -d)" && trap 'rm -rf "$$folder"' EXIT \
	&& for python in $(PYTHON); do "$$python" -c '$(SUITABLE)' 2>/dev/null && break; done \
	&& "$$python" -m venv "$$folder/venv" \
	&& "$$folder/venv/bin/python" -m pip install -qq --disable-pip-version-check --only-binary :all: uv \
	&& compile() { "$$folder/venv/bin/uv" pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	    --generate-hashes --only-binary :all: --no-strip-extras --no-header --no-annotate "$$@" $(ARGS) > /dev/null; } \
	&& compile --group setup --output-file locks/run.txt \
	&& compile --group setup --group dev --constraint locks/run.txt --output-file locks/dev.txt \
	&& for group in peers mutants; do \
	    "$$folder/venv/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	        --only-binary :all: --no-header --no-annotate --group "$$group" --output-file "locks/$$group.txt" $(ARGS) \
	        > /dev/null || exit 1; \
	done

clean:  ## remove what make made; never the data folder / 만든 것 지우기 (데이터 폴더는 그대로)
	@rm -rf .venv .venv-peers .venv-mutants build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.*
	@find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

dev: $(DEV_STAMP)
	@:

peers: $(PEERS_STAMP)
	@:

mutmut: $(MUTANTS_STAMP)
	@:

$(RUN_STAMP):
	@echo "Setting up .venv (once) / .venv 준비 중 (한 번만)"
	@if ! .venv/bin/python -c '$(HERE)' 2>/dev/null || ! .venv/bin/python -c '$(SUITABLE)'; then \
	    rm -rf .venv; \
	    for python in $(PYTHON); do \
	        if "$$python" -c '$(SUITABLE)' 2>/dev/null && "$$python" -m venv .venv; then break; fi; \
	        rm -rf .venv; \
	    done; \
	fi
	@test -x .venv/bin/python || { \
	    echo "Makenaide needs Python 3.11, 3.12 or 3.13 with its venv module (on Debian and Ubuntu: python3-venv)." >&2; \
	    echo "Python 3.11, 3.12, 3.13 중 하나와 venv 모듈이 필요합니다 (Debian·Ubuntu: python3-venv)." >&2; exit 1; }
	@rm -f .venv/.run-* .venv/.dev-*
	@$(PIP) $(LOCKED) -r locks/run.txt
	@$(PIP) --no-index --no-deps --no-build-isolation --editable .
	@$(COMPILE) .venv/lib src || true  # only speed: a package may carry a file of another Python
	@touch $@

$(DEV_STAMP): $(RUN_STAMP)
	@echo "Adding the tools for tests and checks (once) / 테스트 도구 설치 중 (한 번만)"
	@rm -f .venv/.dev-*
	@$(PIP) $(LOCKED) -r locks/dev.txt
	@$(COMPILE) .venv/lib || true
	@touch $@

# The examples of the official client are in its source archive only, of which the lock holds the hash, too.
$(PEERS_STAMP): | $(RUN_STAMP)
	@echo "Adding other people's clients for the tests (once) / 다른 클라이언트 설치 중 (한 번만)"
	@rm -rf .venv-peers
	@.venv/bin/python -m venv .venv-peers
	@$(PEERS_PIP) install $(LOCKED) -r locks/peers.txt
	@sed -n '/^upbit-sdk==/,/[^\\]$$/p' locks/peers.txt > .venv-peers/archive.txt
	@$(PEERS_PIP) download --require-hashes --no-binary upbit-sdk --no-build-isolation --no-deps \
	    --dest .venv-peers -r .venv-peers/archive.txt
	@mkdir .venv-peers/upbit-sdk && tar -xzf .venv-peers/upbit_sdk-*.tar.gz -C .venv-peers/upbit-sdk --strip-components 1
	@touch $@

$(MUTANTS_STAMP): | $(RUN_STAMP)
	@echo "Adding mutmut, which makes the mutants (once) / mutmut 설치 중 (한 번만)"
	@rm -rf .venv-mutants
	@.venv/bin/python -m venv .venv-mutants
	@.venv-mutants/bin/python -m pip -qq --disable-pip-version-check install $(LOCKED) -r locks/mutants.txt
	@touch $@
