"""All kernels compiled anew: in two processes, for other machines and with indices checked; the pixels are the same."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pages
import pytest
from installed import installed
from llvmlite import binding
from machines import is_x86_with_avx2
from patience import PATIENCE_S

import number_generator

# The plainest of processors, with indices checked: neither changes a pixel, so the tests of both take the same kernels.
# Their cache is their own, as numba does not tell kernels that check from others.
PLAINEST = {"NUMBA_CPU_NAME": "generic"} if is_x86_with_avx2() else {}
CHECKED = PLAINEST | {"NUMBA_BOUNDSCHECK": "1"}

# A process with a cache of its own compiles parts, then the rest, beside another one; a second draws.
COMPILE = """
from number_generator import Handwriting
from number_generator._kernels import links, placing, signs
from number_generator.rendering.compilation import STAGES, compile_kernels, compile_pieces

compile_pieces()
told = []
compile_kernels(Handwriting.named("document"), told.append, in_processes=True)
assert len(told) == 1, told
assert STAGES["scans"].is_done
assert not STAGES["plain pages"].is_done
pieces = placing.place_items, links.link_digits, signs.write_points
assert [len(piece.overloads) for piece in pieces] == [1] * 3
for style in ("natural", "document"):
    compile_kernels(Handwriting.named(style), told.append, in_processes=True)
assert len(told) == 2, told
"""
DRAW = """
from number_generator import generate_batch
from number_generator.rendering.compilation import STAGES

for style in ("natural", "document"):
    generate_batch(["12.5", "-3"], None, 100, style=style, seed=1)
for name in ("lines", "fields", "plain pages", "scans"):
    for kernel in STAGES[name].kernels:
        assert not kernel.compiled, kernel
"""


@pytest.mark.slow
def test_two_processes_compile_all_that_an_image_needs_and_commands_use_it(tmp_path, machine_code):
    cache = machine_code("checked")
    shutil.rmtree(cache)

    def run(*command):
        environment = {**os.environ, **CHECKED, "NUMBA_CACHE_DIR": str(cache)}
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), command
        # Not the distance fields, which tell when they were last used.
        return {path: path.stat().st_mtime_ns for path in cache.rglob("*") if path.is_file() and path.suffix != ".npz"}

    def start_both():
        run(installed("generate-phone-numbers"), "--num-images=5", "--style=document", "--overwrite")
        return run(installed("generate-numbers-sequence"), "--sequence=7", "--style=natural")

    run(sys.executable, "-c", COMPILE)
    run(sys.executable, "-c", DRAW)
    first, second = start_both(), start_both()

    assert second == first != {}


# Run here and on other machines, so to speak: it prints one hash for each style.
HASHES = """
import hashlib
from number_generator import Handwriting, Normal, Uniform, generate_batch

natural, document = Handwriting.named("natural"), Handwriting.named("document")
styles = [
    natural,
    document,
    natural.replace(crop="tight", fill=1, writer="cluster", slant=(-1, 1), rotation=(-20, 20), warp=(0, 0.12)),
    natural.replace(upstroke=1, crossbar=1, tail=1, open_loop=1, end_marks=1, inner_marks=1, softness=(0.5, 4)),
    natural.replace(size_jitter=(0.3, 2), aspect=(0.4, 2.5), rotation_jitter=(-30, 30), ink_texture=1, ink_drift=1),
    document.replace(letterforms=1, letterform_mix=1, letterform_constancy=0.5, links=1, gap=(-0.1, 0.2)),
    document.replace(loose=0.5, intrusion=1, proportions=1.5, old_style=0.5, size_drift=(-0.6, 0.6), squeezed_end=1),
    document.replace(waves=1, fibres=1, ruled=1, boxed=1, padding=1, speckle=20, blur=1.5, noise=0.5, jpeg=1),
    document.replace(gradient=(0.05, 0.3), texture=0.2, auto_levels=0.5, invert=0.5, jpeg=0.5, jpeg_quality=(5, 100)),
    Handwriting(gap=Normal(0.2, 0.1, 0, 0.4), thickness=Uniform(-0.1, 0.1, per_job=True), drift=(-0.5, 0.5)),
]
sequences = ["", "7", "0123456789", "+1 (23) 4,5.6/7-8"] + [str(7919 * number) for number in range(60)]
for style in styles:
    digest = hashlib.sha256()
    for width in (1, 20, 128, 301):
        digest.update(generate_batch(sequences, None, width, style=style, seed=3, workers=1).tobytes())
    print(digest.hexdigest())
"""


@pytest.mark.slow
@pytest.mark.skipif(not is_x86_with_avx2(), reason="only a machine with AVX2 can be taken for these")
@pytest.mark.parametrize(
    "machine",
    [{"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": ""}, CHECKED],
    ids=["haswell", "generic"],
)
def test_pixels_are_the_same_on_an_older_machine(run_python, machine_code, capsys, machine):
    if machine["NUMBA_CPU_NAME"] == "haswell" and not binding.get_host_cpu_features().get("avx512f"):
        pytest.skip("this machine has no wider vectors than that one: every other test runs with those")
    exec(HASHES, {})
    here = capsys.readouterr().out.split()

    cache = machine_code("checked" if machine is CHECKED else "haswell")
    there = run_python(HASHES, NUMBA_CACHE_DIR=str(cache), **machine).split()

    assert len(set(here)) == 10
    assert there == here


# What `simd` reads and writes is not checked: there are no indices.
SMALL_BATCHES = """
from number_generator import DigitImageDataset, Handwriting, generate_batch, generate_chunk
import numpy as np

truth = ("boxes", "glyphs", "parameters", "masks")
random = np.random.default_rng(1)
images = (random.random((20, 4, 4)) < 0.5).astype(np.uint8) * 255
tiny = DigitImageDataset(images, np.arange(20) % 10)
marked = {"letterforms": 0, "upstroke": 1, "crossbar": 1, "tail": 1, "open_loop": 1, "links": 1}
marked |= {"inner_marks": 1, "end_marks": 1}
formed = {"letterforms": 1, "letterform_mix": 1, "letterform_constancy": 0.5, "links": 1, "intrusion": 1, "loose": 0.5}
leaning = {"crop": "tight", "rotation": (-20, 20), "slant": (-1, 1), "intrusion": 1}
sequences = ["", "7", "0123456789012", "1" * 70, "+1 (23) 4,5.6/7-8", "0178992"]
for style in ("natural", "document"):
    style = Handwriting.named(style)
    for written in (style, style.replace(**marked), style.replace(**formed), style.replace(**leaning)):
        for width in (1, 2, 17, 128):
            generate_batch(sequences, None, width, style=written, seed=2, workers=1)
            generate_chunk(sequences, (-9, 3), width, style=written, seed=2, digits=tiny, workers=1, truth=truth)
    for height, width in ((16, 1), (16, "auto"), (29, 128), (128, "auto:90"), (256, 300)):
        size = {"width": width, "image_height": height, "workers": 1}
        generate_chunk(sequences, None, style=written, seed=2, truth=truth, **size)
        generate_chunk(sequences, (0, 3), style=written, seed=2, digits=tiny, truth=truth, **size)
        generate_chunk(sequences, (0, 3), seed=2, digits=tiny, truth=truth, **size)
for width in (1, 2, 17, 128):
    generate_chunk(sequences, (0, 3), width, seed=2, digits=tiny, workers=1, truth=truth)
import pages
print(pages.digest_of_pages(bounds_checked=True))
"""


@pytest.mark.slow
def test_no_index_is_out_of_bounds_and_checked_pages_are_the_same(run_python, machine_code):
    path = os.pathsep.join([str(Path(number_generator.__file__).parents[1]), str(Path(pages.__file__).parent)])

    digest = run_python(SMALL_BATCHES, **CHECKED, NUMBA_CACHE_DIR=str(machine_code("checked")), PYTHONPATH=path)

    assert digest.strip() == pages.digest_of_pages(bounds_checked=False)
