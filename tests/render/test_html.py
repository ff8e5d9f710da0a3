import base64
import json
import re
from html.parser import HTMLParser
from importlib import resources

import pytest
import torch

from motion.errors import RequestError
from motion.render import write_html
from motion.render.html import _fill

NAMESPACES = {"http://www.w3.org/1999/xhtml", "http://www.w3.org/2000/svg"}


class Page(HTMLParser):
    """Elements by id with their attributes and text; every address the page asks for."""

    def __init__(self, text):
        super().__init__()
        self.by_id, self.addresses, self.unlabelled, self.current = {}, [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.addresses += [attributes[k] for k in ("src", "href") if k in attributes]
        self.current = attributes.get("id")
        if tag in ("button", "input", "select") and not attributes.get("aria-label"):
            self.unlabelled.append(attributes)
        if self.current:
            self.by_id[self.current] = [tag, attributes, ""]

    def handle_data(self, data):
        if self.current:
            self.by_id[self.current][2] += data

    def handle_endtag(self, tag):
        self.current = None


@pytest.fixture
def page(body, walk, target):
    wave = torch.sin(torch.arange(8000) / 10) * 0.2
    caption = 'bows </script> & "waves" @@GLB@@'
    write_html(walk, target / "a.html", body, caption, audio=wave, audio_sample_rate=16000)
    return (target / "a.html").read_text("utf-8")


def test_model_sound_and_caption_are_inside(page, body, walk):
    found = Page(page)
    model = base64.b64decode(found.by_id["glb"][2], validate=True)
    assert model[:4] == b"glTF"
    assert int.from_bytes(model[8:12], "little") == len(model)
    assert found.by_id["caption"][2] == 'bows </script> & "waves" @@GLB@@'
    meta = json.loads(found.by_id["meta"][2])
    assert meta["num_frames"] == walk.num_frames == len(meta["targets"])
    assert meta["fps"] == walk.fps
    assert 0.9 < 2 * meta["half_height"] < 3
    sound = base64.b64decode(found.by_id["audio"][2], validate=True)
    assert found.by_id["audio"][1]["data-type"] == "audio/mpeg"
    assert len(sound) > 1000


def test_nothing_is_asked_from_outside(page):
    found = Page(page)
    assert all(address.startswith("data:") for address in found.addresses)
    assert set(re.findall(r"https?://[\w./-]+", page)) <= NAMESPACES
    assert not re.search(r"\bimport\s*\(|@import|url\(", page)
    assert "default-src 'none'" in page


def test_controls_are_labelled(page):
    found = Page(page)
    assert not found.unlabelled
    for name in ("play", "scrub", "speed", "loop", "follow", "reset", "sound", "now", "all"):
        assert name in found.by_id


def test_page_without_sound_or_caption(body, walk, target):
    write_html(walk, target / "b.html", body)
    found = Page((target / "b.html").read_text("utf-8"))
    assert "audio" not in found.by_id
    assert found.by_id["caption"][2] == ""
    with pytest.raises(RequestError, match="without frames"):
        write_html(walk.frames(0, 0), target / "c.html", body)
    assert [p.name for p in target.iterdir()] == ["b.html"]


def test_bundle_ships_with_its_licence():
    assets = resources.files("motion.render").joinpath("assets")
    licence = assets.joinpath("THREE_LICENSE.txt").read_text("utf-8")
    assert "three.js authors" in licence
    assert "</script" not in assets.joinpath("viewer.js").read_text("utf-8")


def test_values_are_not_searched():
    assert _fill("a@@X@@b@@Y@@", {"X": "@@Y@@", "Y": "2"}) == "a@@Y@@b2"
