"""Who is answered, and with what: the server without a browser."""

import http.client
import json
import shlex
import socket
from urllib.parse import urlsplit

import numpy as np
import pytest
from patience import PATIENCE_S
from PIL import Image
from running import load
from serving import serve, unpack

from number_generator import Handwriting, generate_chunk
from number_generator.commands.main import main
from number_generator.errors import NumberGeneratorError
from number_generator.job.defaults import IMAGE_WIDTH
from number_generator.numbers.countries import CountryNumbers
from number_generator.numbers.lists import ListedNumbers
from number_generator.numbers.phone import PhoneNumbers
from number_generator.studio.guard import Guard
from number_generator.studio.pages import Studio
from number_generator.studio.scans import Scans
from number_generator.studio.serving import HOST, Server
from number_generator.system.signals import Interruption

ASKED = {
    "base": "document",
    "changes": {"slant": [0, 0.3]},
    "paper_images": "",
    "pattern": "",
    "image_width": "100",
    "image_height": "",
    "digits": "",
    "color": False,
    "seed": "5",
    "count": 6,
}


@pytest.fixture(scope="module")
def server():
    with serve() as running:
        yield running


def request(server, path, body=None, address=None, **headers):
    """Return status, headers and content of an answer; paths are below the token unless an address is given."""
    place = urlsplit(address or server.address)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=600)
    content = None if body is None else json.dumps(body) if not isinstance(body, bytes) else body
    connection.request("GET" if body is None else "POST", place.path + path, content, headers)
    answer = connection.getresponse()
    found = answer.status, answer.headers, answer.read()
    connection.close()
    return found


def test_the_page_and_all_that_it_loads_is_served_and_may_load_nothing_else(server):
    status, headers, page = request(server, "")

    assert status == 200
    assert b"<title>Studio" in page
    assert b"http://" not in page
    assert b"https://" not in page
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"
    for name, kind in (
        ("app.js", "text/javascript"),
        ("controls.js", "text/javascript"),
        ("style.css", "text/css"),
        ("icon.svg", "image/svg+xml"),
    ):
        status, headers, content = request(server, name)
        assert (status, headers["content-type"].split(";")[0]) == (200, kind), name
        assert content


def test_only_who_knows_the_address_and_names_this_machine_is_answered(server):
    root = f"http://127.0.0.1:{server.port}"
    for path, headers, expected in (
        ("/", {}, 404),
        ("/x/", {}, 404),
        ("/%C3%BC/", {}, 404),
        ("/api/draw", {}, 404),
        (urlsplit(server.address).path[:-2] + "/", {}, 404),
        (urlsplit(server.address).path, {"Host": f"evil.example:{server.port}"}, 421),
        (urlsplit(server.address).path, {"Host": "127.0.0.1"}, 421),
        (urlsplit(server.address).path, {"Host": f"localhost:{server.port}"}, 200),
        (urlsplit(server.address).path, {"Origin": "http://evil.example"}, 403),
        (urlsplit(server.address).path, {"Origin": "null"}, 403),
        (urlsplit(server.address).path, {"Origin": root}, 200),
        (urlsplit(server.address).path + "../pages.py", {}, 404),
        (urlsplit(server.address).path + "%2e%2e/pages.py", {}, 404),
        (urlsplit(server.address).path + "//etc/passwd", {}, 404),
    ):
        status, answered, _ = request(server, path, address=root, **headers)
        assert status == expected, (path, headers)
        assert "access-control-allow-origin" not in answered


def test_what_is_no_request_of_a_page_is_refused_quietly(server, capfd):
    draw = f"{urlsplit(server.address).path}api/draw"
    for text, expected in (
        (f"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n", b"404"),
        ("no request\r\n\r\n", b"400"),
        # Its sender leaves before all of it is there, as a tab that is closed.
        (f"POST {draw} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: 99\r\n\r\n{{", None),
    ):
        with socket.create_connection((HOST, server.port), timeout=PATIENCE_S) as connection:
            connection.sendall(text.encode())
            if expected:
                assert connection.recv(99).split()[1] == expected, text
    assert request(server, "")[0] == 200
    assert capfd.readouterr() == ("", "")


def test_a_browser_leaves_out_the_usual_port_of_http():
    guard = Guard(None, "token", "ticket", 80)
    for headers, expected in (
        ({b"host": b"127.0.0.1", b"origin": b"http://127.0.0.1"}, 200),
        ({b"host": b"localhost:80"}, 200),
        ({b"host": b"evil.example"}, 421),
        ({b"host": b"127.0.0.1:8080"}, 421),
    ):
        assert guard._judge("/token/", headers.items()) == expected, headers


def test_the_browser_is_started_with_an_address_that_leads_to_the_page_once(server):
    status, headers, _ = request(server, "", address=server.address_once)
    again, _, _ = request(server, "", address=server.address_once)

    assert (status, headers["location"], again) == (303, urlsplit(server.address).path, 404)


def test_a_sheet_holds_the_images_of_its_command_and_style(server):
    status, _, content = request(server, "api/draw", ASKED)
    about, images = unpack(content)

    assert status == 200
    style = Handwriting.named("document").replace(slant=(0, 0.3))
    expected = generate_chunk(PhoneNumbers(), None, 100, count=6, style=style, seed=5)
    np.testing.assert_array_equal(images, expected.images)
    assert about["labels"] == expected.labels.tolist()
    assert about["toml"] == style.to_toml()
    assert about["command"] == (
        "number-generator generate --num-images=1000 --image-width=100 --style=document --set=slant=0:0.3 --seed=5"
    )


def test_pages_of_any_size_and_colour_are_drawn_and_of_large_ones_fewer(server, tmp_path):
    Image.new("RGB", (300, 200), (240, 20, 20)).save(tmp_path / "red.png")
    for changes, shape, widths in (
        ({"paper_images": str(tmp_path), "color": True, "image_width": "90"}, (6, 28, 90, 3), None),
        ({"image_width": "auto:300", "image_height": "64", "pattern": "amount"}, (6, 64), 6),
        ({"image_width": "1000", "image_height": "256", "count": 96}, (8, 256, 1000), None),
        ({"image_width": ""}, (6, 28, IMAGE_WIDTH), None),
    ):
        about, images = unpack(request(server, "api/draw", {**ASKED, **changes})[2])
        assert images.shape[: len(shape)] == shape
        assert (about["widths"] and len(about["widths"])) == widths
        assert ("paper_images" in about["toml"]) == ("--paper=" in about["command"]) == ("color" in changes)


def test_numbers_are_those_of_the_options_that_the_command_has(server, tmp_path):
    own = tmp_path / "mine.txt"
    own.write_text("17\n204\n")
    for changes, option, numbers in (
        ({"dashes": True}, "--dashes", PhoneNumbers(dashes=True)),
        ({"country": "sg, jp"}, "'--country=sg, jp'", CountryNumbers(["JP", "SG"])),
        ({"country": "SG", "dashes": True}, "--country=SG --dashes", CountryNumbers("SG", dashes=True)),
        ({"sequences": str(own), "dashes": True}, f"--sequences={own}", ListedNumbers.from_file(own)),
    ):
        about, _ = unpack(request(server, "api/draw", {**ASKED, **changes})[2])
        style = Handwriting.named("document")
        expected = generate_chunk(numbers, None, 100, count=6, style=style, seed=5)
        assert about["labels"] == expected.labels.tolist(), changes
        assert f" {option} --image-width=100 " in about["command"]
    own.write_text("999\n")  # another list, which is read
    about, _ = unpack(request(server, "api/draw", {**ASKED, "sequences": str(own)})[2])
    assert about["labels"] == ["999"] * 6
    for changes in ({"country": "XX"}, {"country": "JP", "pattern": "date"}, {"sequences": "no\0where"}):
        status, _, content = request(server, "api/draw", {**ASKED, **changes})
        assert (status, list(json.loads(content)["wrong"])) == (422, ["numbers"]), changes


def test_the_command_of_lines_of_any_width_runs_as_it_is(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    about, images = unpack(request(server, "api/draw", {**ASKED, "image_width": "auto"})[2])
    words = shlex.split(about["command"].replace("--num-images=1000", "--num-images=6"))

    assert main([*words[1:], "--output-path=lines", "--quiet"], Interruption()) == 0

    drawn, labels, _ = load("lines")
    assert labels == about["labels"]
    for image, shown, width in zip(drawn, images, about["widths"], strict=True):
        np.testing.assert_array_equal(image, shown[:, :width])


def test_each_wrong_value_is_told_by_its_control(server):
    wrong = {
        "changes": {"slant": [0, 3], "writer": "me", "x": 1},
        "paper_images": "/nowhere",
        "pattern": "amunt",
        "image_width": "0",
        "seed": "-1",
        "count": 97,
        "digits": "nowhere.npz",
    }
    status, _, content = request(server, "api/draw", {**ASKED, **wrong})

    said = json.loads(content)["wrong"]
    assert status == 422
    assert said.keys() == {"slant", "writer", "x", "paper_images", "numbers", "image_width", "seed", "count", "digits"}
    assert said["slant"].startswith("slant: the value is 0:3: give values from -1 to 1")
    hostile = (b"{", b"[]", b"\xff", b"[" * 100_000, b" " * (1 << 21), b'{"count": 1%s}' % (b"0" * 5000))
    for body in (*hostile, {"base": 1}, {**ASKED, "base": "documents"}, {**ASKED, "changes": 1}):
        status, _, content = request(server, "api/draw", body)
        assert status == 422
        assert json.loads(content)["wrong"]


def test_a_style_is_saved_where_one_says_replaces_nothing_unasked_and_is_loaded(server, tmp_path):
    path = tmp_path / "new" / "mine.toml"

    assert json.loads(request(server, "api/save", {**ASKED, "path": str(path)})[2]) == {"path": str(path)}
    before = path.read_text()
    assert request(server, "api/save", {**ASKED, "changes": {}, "path": str(path)})[0] == 409
    assert path.read_text() == before == 'base = "document"\nslant = [0, 0.3]\n'
    assert request(server, "api/save", {**ASKED, "changes": {}, "path": str(path), "overwrite": True})[0] == 200
    assert path.read_text() == 'base = "document"\n'
    path.write_text(before)
    loaded = json.loads(request(server, "api/load", {"path": str(path)})[2])
    assert loaded == {"name": str(path), "base": "document", "changes": {"slant": [0, 0.3]}, "paper_images": ""}
    for name, body in (
        ("save", {**ASKED, "path": str(tmp_path / "mine.txt")}),
        ("save", {**ASKED, "path": str(tmp_path / "new")}),
        ("save", {**ASKED, "path": 1}),
        ("save", {**ASKED, "path": str(tmp_path / "\0.toml")}),
        ("save", {**ASKED, "path": str(tmp_path / "\ud800.toml")}),
        ("save", {**ASKED, "changes": {"slant": 9}, "path": str(path), "overwrite": True}),
        ("load", {"path": str(tmp_path / "none.toml")}),
        ("load", {}),
        ("scans", {"first": 0, "count": 6, "height": 28, "width": 100}),
        ("explain", {"name": "nothing"}),
        ("explain", {"name": "own_paper", "paper_images": ""}),
    ):
        assert request(server, f"api/{name}", body)[0] == 422, (name, body)
    assert [file.name for file in path.parent.iterdir()] == ["mine.toml"]
    assert path.read_text() == before


def test_a_port_in_use_is_told(server):
    with pytest.raises(NumberGeneratorError, match=rf"port {server.port} of 127.0.0.1 is in use: give another"):
        Server(server.port)


def test_a_page_of_scans_that_no_sheet_has_is_told(tmp_path):
    Image.new("L", (60, 30), 100).save(tmp_path / "a.png")
    asked = {"first": 0, "count": 6, "height": 28, "width": 100}
    with serve(scans=Scans(str(tmp_path))) as server:
        assert request(server, "api/scans", asked)[0] == 200
        for name, value in (("count", 0), ("count", 97), ("first", -1), ("first", 1.0), ("height", 3), ("width", "x")):
            status, _, content = request(server, "api/scans", {**asked, name: value})
            assert (status, json.loads(content)["wrong"][""].split()[0]) == (422, name)


def test_what_no_page_can_be_begun_with_is_left_to_the_page():
    said = []
    studio = Studio({"name": "clean", "base": "clean", "changes": {}, "paper_images": ""}, "nowhere", None, said.append)

    studio.warm()

    assert said == []
