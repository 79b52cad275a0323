"""The page at /: what the server adds to the file, and what it forbids it."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import re
from importlib import resources

from keras_attn.serving.page import page


class Reader(html.parser.HTMLParser):
    """Elements with their attributes, and the content of scripts and styles."""

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.inside: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.cdata_elem:
            self.inside[self.cdata_elem].append(data)

    @property
    def models(self) -> list[str]:
        (content,) = (of["content"] for tag, of in self.elements if tag == "meta" and of.get("name") == "models")
        return json.loads(content)


def policy(header: str) -> dict[str, str]:
    return {name: value for name, _, value in (part.strip().partition(" ") for part in header.split(";"))}


def test_the_server_has_the_page_with_the_names_of_its_models(client):
    status, body = client.raw("GET", "/")
    assert status == 200
    assert Reader(body.decode()).models == ["half"]


def test_nothing_but_the_pages_own_script_and_style_may_run():
    response = page(["dates"])
    rules, read = policy(response.headers["content-security-policy"]), Reader(response.body.decode())
    assert response.media_type == "text/html"
    assert rules["default-src"] == "'none'"
    assert "require-trusted-types-for" in rules
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        (content,) = read.inside[tag]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
        assert sum(each == tag for each, _ in read.elements) == 1


def test_the_name_of_a_model_is_no_markup():
    names = ['"><script>alert(1)</script>', "de→日本語", "a & b"]
    read = Reader(page(names).body.decode())
    assert read.models == names
    assert sum(tag == "script" for tag, _ in read.elements) == 1


def test_the_file_refers_to_nothing_outside_of_it():
    text = resources.files("keras_attn.serving").joinpath("page.html").read_text("utf-8")
    read = Reader(text)
    attributes = {name: value for _, of in read.elements for name, value in of.items()}
    assert {name: value for name, value in attributes.items() if name in ("src", "href", "action", "srcset")} == {
        "href": "data:,"
    }
    assert not [name for name in attributes if name == "style" or name.startswith("on")]  # the policy forbids them
    assert not re.search(r"url\(|@import|\bimport\b|innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval", text)
