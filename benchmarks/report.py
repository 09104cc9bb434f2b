"""Run the benchmarks and write `docs/benchmarks.md`, its plots, and the README's table.

python benchmarks/report.py                  run them, then write
python benchmarks/report.py --from FILE      write from an earlier run's JSON (`pytest --benchmark-json FILE`)
python benchmarks/report.py --also FILE      add the threads' rows of a larger machine's run
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[1]
_DOCS = _ROOT / "docs"
_README = _ROOT / "README.md"
_MARK = "<!-- benchmarks: written by benchmarks/report.py -->"
_JOB = re.compile(r"test_phone_numbers\[(\d+)-(\w+)-(\w+)\]")

Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="source", type=Path, metavar="FILE", help="JSON of an earlier run")
    parser.add_argument("--also", type=Path, metavar="FILE", help="JSON of a run on a larger machine")
    options = parser.parse_args()
    run = _load(options.source) if options.source else _run()
    also = _load(options.also) if options.also else None
    _DOCS.mkdir(exist_ok=True)
    _plot_baselines(run)
    _plot_threads(run, also)
    _plot_jobs(run)
    (_DOCS / "benchmarks.md").write_text(_page(run, also), encoding="utf-8")
    text = _README.read_text(encoding="utf-8")
    before, _, after = text.split(_MARK)
    _README.write_text(f"{before}{_MARK}\n{_summary(run)}\n{_MARK}{after}", encoding="utf-8")


def _run() -> Row:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "benchmarks.json"
        command = [sys.executable, "-m", "pytest", "--benchmark-only", "-q", f"--benchmark-json={path}"]
        subprocess.run(command, cwd=_ROOT, check=True)
        return _load(path)


def _load(path: Path) -> Row:
    run: Row = json.loads(path.read_text(encoding="utf-8"))
    return run


def _group(run: Row, name: str) -> list[Row]:
    return [row for row in run["benchmarks"] if row["group"] == name]


def _row(run: Row, name: str) -> Row:
    return next(row for row in run["benchmarks"] if row["name"] == name)


def _median(row: Row) -> float:
    return float(row["stats"]["median"])


def _rate(row: Row) -> float:
    return float(row["extra_info"]["count"]) / _median(row)


def _jobs(run: Row) -> dict[tuple[str, str], list[Row]]:
    """Return the rows of whole jobs by format and compression, the smallest job first."""
    jobs: dict[tuple[str, str], list[Row]] = {}
    for row in _group(run, "whole jobs"):
        found = _JOB.fullmatch(row["name"])
        if found:
            jobs.setdefault((found[2], found[3]), []).append(row)
    return {key: sorted(rows, key=lambda row: row["extra_info"]["count"]) for key, rows in jobs.items()}


def _number(value: float) -> str:
    """Show three digits, with thousands apart."""
    if value >= 100:
        digits = max(0, len(str(round(value))) - 3)
        return f"{round(value, -digits):,.0f}"
    return f"{value:.3g}"


def _time(seconds: float) -> str:
    for unit, scale in (("s", 1), ("ms", 1e3), ("us", 1e6), ("ns", 1e9)):
        if seconds * scale >= 1 or unit == "ns":
            return f"{_number(seconds * scale)} {unit}"
    raise AssertionError


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(header)
    lines = [names, ["---"] * len(names), *map(list, rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _machine(run: Row) -> str:
    cpu = run["machine_info"]["cpu"]
    info, commit = run["machine_info"], run["commit_info"]
    versions = ", ".join(f"{name} {version}" for name, version in info["versions"].items())
    return (
        f"{cpu.get('brand_raw', info['machine'])}, {cpu.get('count', '?')} cores, {info['system']}, "
        f"{run['datetime'][:10]}, revision {commit['id'][:7]}{' and changes' if commit['dirty'] else ''}; "
        f"Python {info['python_version']}, {versions}."
    )


def _summary(run: Row) -> str:
    """Write the README's table."""
    main = _row(run, "test_main_call_and_baselines")
    ratios = main["extra_info"]["times_as_fast"]
    gzip = _jobs(run)[("hdf5", "gzip")][-1]
    lines = [
        (
            "`generate_batch`, 40,000 numbers, one thread",
            f"{_number(_rate(main))} images/s",
            f"{_number(ratios['the obvious loop'])} times a loop over NumPy and Pillow",
        ),
        *(
            (
                f"the same in the style `{style}`, 2 to 7 digits at width 128",
                f"{_number(_rate(_row(run, f'test_style[{style}]')))} images/s",
                "",
            )
            for style in ("natural", "document")
        ),
        (
            f"`generate-phone-numbers --num-images {gzip['extra_info']['count']} --format hdf5`, from start to disk",
            _time(_median(gzip)),
            f"{gzip['extra_info']['peak_mb']} MB of memory at the most",
        ),
        *(
            (
                f"`GenericDataset`, {what}",
                f"{_number(_rate(row))} images/s",
                f"{row['extra_info']['times_as_fast']['h5py']} times h5py",
            )
            for what, row in (
                ("slices of an HDF5 file", _row(run, "test_slices[32]")),
                ("single images at random, with labels", _row(run, "test_single_random_images[32]")),
            )
        ),
    ]
    cores = run["machine_info"]["cpu"].get("count", "?")
    return (
        _table(("", "", ""), lines)
        + f"\n\nMeasured on {run['machine_info']['cpu'].get('brand_raw', 'a machine')}, {cores} cores; "
        "[docs/benchmarks.md](docs/benchmarks.md) has the rest, and how to measure your own."
    )


def _page(run: Row, also: Row | None) -> str:
    """Write the whole report."""
    parts = [
        "# Benchmarks",
        "Written by `python benchmarks/report.py` from one run of `python -m pytest --benchmark-only`: medians of "
        "several rounds. A ratio is taken against a baseline that was timed in turn with the row, round by round: "
        "machines are shared and noisy, so trust the ratios more than the times.",
        "[Beside the peers](peers.md) compares with other packages, each in an environment of its own.",
        _machine(run),
        "![Images a second against baselines](benchmarks-baselines.png)",
        "![Scaling with threads](benchmarks-threads.png)",
        "![Time an image and peak memory by number of images](benchmarks-jobs.png)",
    ]
    for group in dict.fromkeys(row["group"] for row in run["benchmarks"]):
        parts += [f"## {group}", _group_table(_group(run, group))]
    if also is not None:
        parts += [
            "## generate_batch by threads, on a larger machine",
            _machine(also),
            _group_table(_group(also, "generate_batch by threads")),
        ]
    return "\n\n".join(parts) + "\n"


def _group_table(rows: list[Row]) -> str:
    extra = sorted({name for row in rows for name in row["extra_info"]} & {"peak_mb", "bytes_per_image"})
    header = [
        "",
        "unit",
        "time a unit",
        "units/s",
        "MB/s",
        "times as fast as",
        *(name.replace("_", " ") for name in extra),
    ]
    lines = []
    for row in rows:
        info = row["extra_info"]
        ratios = info.get("times_as_fast", {})
        lines.append(
            [
                row["name"].removeprefix("test_").replace("_", " "),
                f"{info['count']:,} x {info['unit']}" if info["count"] > 1 else info["unit"],
                _time(_median(row) / info["count"]),
                _number(_rate(row)),
                _number(info["mb_per_s"]) if "mb_per_s" in info else "",
                "; ".join(f"{name}: {_number(ratio)}" for name, ratio in ratios.items()),
                *(str(info.get(name, "")) for name in extra),
            ]
        )
    return _table(header, lines)


def _figure(width: float = 7.0, columns: int = 1) -> Any:
    import matplotlib  # noqa: PLC0415 - plots only

    matplotlib.use("Agg")
    from matplotlib import pyplot  # noqa: PLC0415

    return pyplot.subplots(1, columns, figsize=(width, 3.2), layout="constrained", dpi=120)


def _plot_baselines(run: Row) -> None:
    main = _row(run, "test_main_call_and_baselines")
    ours = _rate(main)
    rates = {name: ours / ratio for name, ratio in main["extra_info"]["times_as_fast"].items()}
    rates["generate_batch, one thread"] = ours
    for row in run["benchmarks"]:
        if row["name"] == "test_trdg":
            rates["trdg, with its printed fonts"] = _rate(row)
    names = sorted(rates, key=lambda name: rates[name])
    figure, axes = _figure()
    bars = axes.barh(
        names, [rates[name] for name in names], color=["C0" if "batch" in name else "0.7" for name in names]
    )
    axes.bar_label(bars, [_number(rates[name]) for name in names], padding=3)
    axes.set(xscale="log", xlabel="images/s (28 x 100 px, 10 or 11 digits)")
    axes.margins(x=0.25)
    figure.savefig(_DOCS / "benchmarks-baselines.png")


def _plot_threads(run: Row, also: Row | None) -> None:
    figure, axes = _figure(5.0)
    most = 1
    for source, label in ((run, "this machine"), (also, "a larger machine")):
        if source is None:
            continue
        for name, what in (("test_threads", "generate_batch"), ("test_horizontal", "arithmetic alone")):
            rows = [row for row in _group(source, "generate_batch by threads") if row["name"].startswith(name)]
            rows.sort(key=lambda row: row["params"]["workers"])
            workers = [row["params"]["workers"] for row in rows]
            ratios = [row["extra_info"]["times_as_fast"]["one thread"] for row in rows]
            axes.plot(workers, ratios, "o-", label=f"{what}, {label}")
            most = max(most, *workers)
    axes.plot([1, most], [1, most], ":", color="0.6", label="as many times as threads")
    axes.set(xlabel="threads", ylabel="times one thread", xticks=range(1, most + 1, max(1, most // 8)), ylim=(0, None))
    axes.legend()
    figure.savefig(_DOCS / "benchmarks-threads.png")


def _plot_jobs(run: Row) -> None:
    figure, (times, memory) = _figure(9.0, 2)
    for (file_format, compression), rows in _jobs(run).items():
        counts = [row["extra_info"]["count"] for row in rows]
        label = f"{file_format}, {compression}"
        times.plot(counts, [_median(row) / row["extra_info"]["count"] * 1e6 for row in rows], "o-", label=label)
        memory.plot(counts, [row["extra_info"]["peak_mb"] for row in rows], "o-", label=label)
    times.set(xscale="log", yscale="log", xlabel="images", ylabel="us an image, start-up included")
    memory.set(xscale="log", xlabel="images", ylabel="peak memory, MB", ylim=(0, None))
    times.legend()
    figure.savefig(_DOCS / "benchmarks-jobs.png")


if __name__ == "__main__":
    main()
