# Everything that a change must pass is `bash .ci/run`; this is what takes longer.
PYTHON ?= python

.PHONY: help torture

help:
	@echo "make torture    mutate files, kill and resume runs, fill disks; keep the counts in docs/reliability.md"

torture:
	PYTHONPATH=tests $(PYTHON) -m torture --write
