# huying 呼应. `make` alone lists what there is. GNU make 4.3, Debian 12, Python 3.11; nothing else prepared.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules
.DELETE_ON_ERROR:

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
ROOMS := adapters bridge schemas board sandbox dags
# A room counts once it holds Python; mypy refuses folders without any.
BUILT := $(foreach room,$(ROOMS),$(if $(shell find $(room) -name '*.py' -print -quit 2>/dev/null),$(room)))
# The editable install maps packages by name, so a new room needs it once more.
PACKAGES := $(sort $(wildcard $(addsuffix /__init__.py,$(ROOMS))))
LOCKED := $(VENV)/.locked
EDITABLE := $(VENV)/.editable
# An environment knows its own path; one that was moved or copied with its checkout is made anew.
PLACE := $(VENV)/.place
ifneq ($(wildcard $(PLACE)),)
ifneq ($(shell cat $(PLACE)),$(shell pwd))
$(shell rm -f $(LOCKED) $(EDITABLE))
endif
endif
# The lock is exact already: constraints of the machine's own pip configuration must not contradict it.
PIP := PIP_CONSTRAINT=/dev/null PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_INPUT=1 $(BIN)/python -m pip
# A few packages carry files for other Pythons that this one cannot compile: no reason to stop.
COMPILE := $(BIN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null 2>&1 || true
# The configuration `make lock` resolves with. None by default: nothing of one machine may leak into the lock.
LOCK_PIP_CONFIG ?= /dev/null
LOCK_TOOL_VERSION := 7.6.2

# Makes the virtual environment $VENV with $PYTHON, anew. Debian ships Python without the venv package: as root it is
# installed, otherwise the command that installs it is said.
define MAKE_VENV
set -euo pipefail

say() { printf '%s\n' "$$@" >&2; }

if ! command -v "$$PYTHON" >/dev/null 2>&1; then
  if command -v python3 >/dev/null 2>&1 && python3 -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))'; then
    PYTHON=python3
  else
    say "找不到 Python 3.11。请执行：sudo apt-get install -y python3 python3-venv（或 make PYTHON=路径）" \
        "Python 3.11 not found. Run: sudo apt-get install -y python3 python3-venv (or make PYTHON=path)"
    exit 1
  fi
fi

if ! "$$PYTHON" -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))'; then
  say "$$PYTHON 版本过低，需要 3.11 · $$PYTHON is too old, 3.11 is needed: $$("$$PYTHON" --version)"
  exit 1
fi

# `import venv` works without the package; ensurepip is the part that Debian leaves out.
if ! "$$PYTHON" -c 'import venv, ensurepip; ensurepip.version()' >/dev/null 2>&1; then
  if [[ $$(id -u) -eq 0 ]] && command -v apt-get >/dev/null 2>&1; then
    echo "安装 python3-venv · installing python3-venv …"
    export DEBIAN_FRONTEND=noninteractive
    if ! { apt-get install -y -qq python3-venv || { apt-get update -qq && apt-get install -y -qq python3-venv; }; } \
        >/dev/null 2>&1 </dev/null || ! "$$PYTHON" -c 'import venv, ensurepip; ensurepip.version()' >/dev/null 2>&1; then
      say "python3-venv 安装失败，请手工执行后重试：apt-get update && apt-get install -y python3-venv" \
          "Installing python3-venv failed. Run it by hand and try again: apt-get update && apt-get install -y python3-venv"
      exit 1
    fi
  else
    say "缺少 python3-venv。请执行后重试：sudo apt-get install -y python3-venv" \
        "python3-venv is missing. Run this and try again: sudo apt-get install -y python3-venv"
    exit 1
  fi
fi

rm -rf "$$VENV"
"$$PYTHON" -m venv "$$VENV"
endef
export MAKE_VENV

.PHONY: help env demo up run sandbox postgres mariadb test lint types check bench lock clean

help: ## 显示本说明 · show this list
	@echo "呼应 huying — make <目标 target>"
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: $(EDITABLE) ## 建立 .venv 环境（按锁定清单） · create .venv from the lock
	@:

# The lock file itself is the mutex: two `make` at once in one checkout must not fill the same .venv.
$(LOCKED): requirements.lock
	@exec 9<requirements.lock; flock 9; \
	if [[ $@ -nt requirements.lock ]]; then exit 0; fi; \
	PYTHON='$(PYTHON)' VENV='$(VENV)' bash -c "$$MAKE_VENV"; \
	echo "安装依赖（首次约需数分钟） · installing the locked packages (some minutes the first time) …"; \
	$(PIP) install -qq --no-compile --require-hashes -r requirements.lock; \
	$(COMPILE); \
	touch $@

$(EDITABLE): $(LOCKED) pyproject.toml $(PACKAGES)
	@exec 9<requirements.lock; flock 9; \
	$(PIP) install -qq --no-deps --no-build-isolation -e .; \
	printf '%s\n' "$$PWD" >$(PLACE); \
	touch $@; \
	echo "环境就绪 · environment ready: $(VENV)"

demo: env ## 演示：仿真平台、真实 Airflow、全部剧本，自动结束 · sandbox, real Airflow and the scenario; ends by itself
	@exec $(BIN)/python -m sandbox.demo

up: env ## 同上但不结束，显示网址、用户与密码 · the same, left running; prints address, user and password
	@exec $(BIN)/python -m sandbox.demo --stay

run: env ## 用您自己的配置和连接启动 Airflow · Airflow on your own configuration and connections
	@exec $(BIN)/python -m sandbox.run

sandbox: env ## 只启动仿真平台 · only the stand-in platforms
	@exec $(BIN)/python -m sandbox

# Tests of the ledger on PostgreSQL and of exchange databases on MariaDB need those servers; where they may not be
# installed the tests are skipped, loudly (not in CI).
define INSTALL_SERVER
	if [[ $$(id -u) -eq 0 ]] && command -v apt-get >/dev/null 2>&1; then \
	  echo "安装 $(1)（仅测试用） · installing $(1) (for tests only) …"; \
	  export DEBIAN_FRONTEND=noninteractive; \
	  { apt-get install -y -qq $(1) || { apt-get update -qq && apt-get install -y -qq $(1); }; } >/dev/null 2>&1 </dev/null \
	    || echo "$(1) 安装失败 · installing $(1) failed: apt-get install -y $(1)"; \
	else echo "未安装 $(1)，有关测试将跳过 · $(1) is not installed, its tests are skipped"; fi
endef

postgres:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 || $(call INSTALL_SERVER,postgresql)

mariadb:
	@PATH="$$PATH:/usr/sbin" command -v mariadbd >/dev/null 2>&1 || $(call INSTALL_SERVER,mariadb-server)

test: env postgres mariadb ## 全部测试 · all tests
	@$(BIN)/python -m pytest -q -n 2 --dist loadgroup -m "not airflow" && status=0 || status=$$?; \
	if [ $$status -ne 0 ] && [ $$status -ne 5 ]; then exit $$status; fi; \
	$(BIN)/python -m pytest -q -m airflow

lint: env ## 代码检查 · ruff
	@$(BIN)/ruff check .

types: env ## 类型检查 · mypy --strict
	@$(BIN)/mypy --strict $(BUILT)

check: lint types test ## 代码、类型与测试 · lint, types and tests

bench: env ## 性能测量 · measurements
	@$(BIN)/python -m pytest -q -s -o python_files='bench_*.py' tests/bench

lock: ## 重新解析并锁定依赖 · resolve the dependencies anew and write requirements.lock
	@PYTHON='$(PYTHON)' VENV='.lock-env' bash -c "$$MAKE_VENV"
	@trap 'rm -rf .lock-env' EXIT; \
	unset PIP_FIND_LINKS PIP_EXTRA_INDEX_URL PIP_CONSTRAINT; \
	export PIP_CONFIG_FILE='$(LOCK_PIP_CONFIG)' PIP_DISABLE_PIP_VERSION_CHECK=1 CUSTOM_COMPILE_COMMAND='make lock'; \
	.lock-env/bin/python -m pip install --quiet pip-tools==$(LOCK_TOOL_VERSION); \
	.lock-env/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras $(LOCK_FLAGS) \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	  --extra dev --build-deps-for editable --output-file requirements.lock pyproject.toml

clean: ## 删除环境与运行痕迹（保留 .huying 台账） · remove environment and run folders (keeps the ledger in .huying)
	@rm -rf $(VENV) .lock-env .airflow .demo .run .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
