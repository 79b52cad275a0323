"""The page in a browser: what it shows, how one moves about in it, and what it never does."""

from __future__ import annotations

import json
import math
import shutil
import socket
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest
import tensorflow as tf

import keras_attn.serving
from keras_attn.serving import Options, Server

DATES = Path(__file__).parents[2] / "saved_models" / "dates"
PAGE = Path(keras_attn.serving.__file__).with_name("page.html")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--window-size=1000,1100"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
ATTACK = "<img/src=x/onerror=alert(1)>"


class Mirror(tf.Module):
    """Words come back in reverse; a line with "broken" in it fails, as does the batch that it is in."""

    def words(self, text: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        asserts = [tf.debugging.assert_equal(tf.strings.regex_full_match(text, ".*broken.*"), False, "A broken line")]
        with tf.control_dependencies(asserts):
            source = tf.strings.split(text)
        return source, tf.reverse(source.to_tensor(""), [1])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="sentence")])
    def one(self, sentence):
        return {"said_bytes": tf.strings.strip(tf.strings.reduce_join(self.words(sentence)[1], 1, separator=" "))}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="sentence")])
    def several(self, sentence):
        text = self.one(sentence)["said_bytes"]
        scores = tf.ones_like(tf.strings.length(text), tf.float32)[:, None] * [
            [-0.1, -2.0, -float("inf"), tf.float32.min]
        ]
        nothing = tf.zeros_like(text)
        return {"text": tf.stack([text, text + "!", nothing, nothing], 1), "score": scores}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="sentence")])
    def align(self, sentence):
        source, target = self.words(sentence)
        length = tf.shape(target)[1]
        weights = 0.9 * tf.reverse(tf.eye(length), [1]) + 0.1 / tf.cast(length, tf.float32)
        weights = tf.tile(weights[None], [tf.shape(target)[0], 1, 1])
        return {
            "text": self.one(sentence)["said_bytes"],
            "source_tokens": tf.strings.join(["▁", source.to_tensor("")]),
            "target_tokens": target,
            "alignment": weights,
        }


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The shipped model and a mirror, for pages of any origin."""
    models = tmp_path_factory.mktemp("models")
    (models / "dates").symlink_to(DATES)
    mirror = Mirror()
    signatures = {"serving_default": mirror.one, "n_best": mirror.several, "align": mirror.align}
    tf.saved_model.save(mirror, str(models / "mirror" / "1"), signatures=signatures)
    port = free_port()
    with Server(Options(folder=models, port=0, rest_api_port=port, rest_api_enable_cors_support=True)):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    paths = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
    binary, driver = next(filter(None, paths), None), shutil.which("chromedriver")
    if not (binary and driver):
        pytest.skip("Chromium and chromedriver are not installed; on Debian `apt-get install chromium chromium-driver`")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('browser')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    downloads = tmp_path_factory.mktemp("downloads")
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    chrome = webdriver.Chrome(options, webdriver.ChromeService(driver))
    chrome.downloads = downloads
    yield chrome
    chrome.quit()


@pytest.fixture
def page(browser, server):
    """The page of that server: what a user does there."""
    return Page(browser, server)


class Page:
    """What a user does in the page, and what it then says."""

    def __init__(self, browser, server):
        from selenium.webdriver.support.ui import WebDriverWait

        self.browser, self.server = browser, server
        self.wait = WebDriverWait(browser, 30, poll_frequency=0.05).until
        self.logs("performance"), self.logs("browser")  # of the test before

    def open(self, query="", address=None):
        self.browser.get((address or f"{self.server}/") + query)
        self.wait(lambda _: self["about"].text not in ("", "Connecting …"))
        return self

    def __getitem__(self, name):
        return self.browser.find_element("id", name)

    def all(self, selector):
        return self.browser.find_elements("css selector", selector)

    def texts(self, selector):
        return [element.get_property("textContent") for element in self.all(selector)]

    def decode(self, sentence):
        from selenium.webdriver.common.keys import Keys

        self["sentence"].clear()
        self["sentence"].send_keys(sentence, Keys.ENTER)
        return self.decoded()

    def decoded(self):
        self.wait(lambda _: self["results"].get_attribute("aria-busy") == "false")
        return self["text"].text

    def lit(self):
        """Tokens that are lit, by where they stand."""
        return {side: self.texts(f"#heatmap th[scope={side}].lit") for side in ("col", "row")}

    def decode_file(self, path, text):
        path.write_bytes(text.encode())
        self["file"].send_keys(str(path))
        self.wait(lambda _: self["told"].text)
        return self["told"].text

    def logs(self, kind):
        return self.browser.get_log(kind)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def aligned(page, sentence):
    """What the server says about a sentence: its score, the tokens of both sides, and which belong together."""
    body = json.dumps({"signature_name": "align", "instances": [sentence]}).encode()
    with urllib.request.urlopen(f"{page.server}/v1/models/dates:predict", body) as answer:
        (found,) = json.load(answer)["predictions"]
    partners = [
        (target, source)
        for target, row in enumerate(found["alignment"])
        for source, weight in enumerate(row)
        if weight >= 0.1
    ]
    source, target = (
        [token.replace("▁", "␣") for token in found[name] if token] for name in ("source_tokens", "target_tokens")
    )
    return SimpleNamespace(score=found["score"], source=source, target=target, of=partners)


def test_a_sentence_gives_its_output_and_a_heatmap_whose_tokens_light_up_their_partners(page):
    from selenium.webdriver import ActionChains

    page.open("?model=dates")
    assert page.decode("3 March 2021") == "2021-03-03"
    said = aligned(page, "3 March 2021")
    assert page["score"].text == f"log p {said.score:.3f}, p {100 * math.exp(said.score):.1f} %"
    columns, rows = page.all("#heatmap th[scope=col]"), page.all("#heatmap th[scope=row]")
    assert [cell.text for cell in columns] == said.source
    assert [cell.text for cell in rows] == said.target
    for place in (0, 2):
        ActionChains(page.browser).move_to_element(rows[place]).perform()
        assert page.lit() == {
            "row": [rows[place].text],
            "col": [columns[source].text for target, source in said.of if target == place],
        }
        assert page["partners"].text.startswith(f"“\u2068{rows[place].text}\u2069” looked at “")
    source = next(source for target, source in said.of if target == 8)
    ActionChains(page.browser).move_to_element(columns[source]).perform()
    assert page.lit()["col"] == [columns[source].text]
    assert page.lit()["row"] == [rows[target].text for target, each in said.of if each == source]
    assert "was looked at by" in page["partners"].text
    ActionChains(page.browser).move_to_element(page["sentence"]).perform()
    assert page.lit() == {"col": [], "row": []}


def test_everything_is_reached_and_said_without_a_mouse(page):
    from selenium.webdriver import ActionChains, Keys

    def press(*keys):
        ActionChains(page.browser).send_keys(*keys).perform()
        return page.browser.switch_to.active_element

    page.open("?model=mirror")
    page["sentence"].send_keys("one two three")
    assert page["sentence"].accessible_name == "Sentence"
    button = press(Keys.TAB)
    press(Keys.SPACE)
    assert (button.accessible_name, page.decoded()) == ("Decode", "three two one")
    assert press(Keys.TAB).accessible_name == "Best outputs"  # it may scroll
    first = press(Keys.TAB)
    assert (first.aria_role, first.accessible_name) == ("columnheader", "one")
    assert first.value_of_css_property("outline-style") == "solid"
    assert page.lit() == {"col": ["one"], "row": ["one"]}
    cell = press(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert (cell.aria_role, cell.accessible_name) == ("gridcell", "93.3 %")
    assert page["partners"].text == "“\u2068one\u2069” looked at “\u2068one\u2069”: 93.3 %"
    header = press(Keys.ARROW_LEFT)
    assert (header.aria_role, header.accessible_name) == ("rowheader", "one")
    assert press(Keys.END, Keys.ARROW_RIGHT).accessible_name == "3.3 %"  # there is nothing beyond
    assert page["heatmap"].aria_role == "grid"
    assert press(Keys.TAB).accessible_name.startswith("Choose a text file")
    assert page.lit() == {"col": [], "row": []}


def test_best_outputs_have_scores_and_room_that_is_not_used_is_not_shown(page):
    page.open("?model=mirror")
    assert page.decode("a b") == "b a"
    rows = [row.find_elements("css selector", "th, td") for row in page.all("#several tbody tr")]
    assert [[cell.text for cell in row] for row in rows] == [
        ["1", "b a", "-0.100", "90.5 %"],
        ["2", "b a!", "-2.000", "13.5 %"],
    ]


def test_what_a_user_or_a_server_says_is_text(page):
    page.open("?model=mirror")
    assert page.decode(f"a {ATTACK}") == f"{ATTACK} a"
    assert page.texts("#several bdi") == [f"{ATTACK} a", f"{ATTACK} a!"]
    assert page.texts("#heatmap th") == ["a", ATTACK, ATTACK, "a"]
    page.browser.execute_script("arguments[0].focus()", page.all("#heatmap th[scope=row]")[0])
    assert ATTACK in page["partners"].text
    page.open(f"?model={ATTACK.replace('/', ' ')}")
    assert f"Latest({ATTACK.replace('/', ' ')})" in page["problem"].text
    assert not page.all("img")
    assert not [entry for entry in page.logs("browser") if "Security" in entry["message"]]


@pytest.mark.parametrize(
    ("sentence", "output", "direction"),
    [("هذا يوم جديد", "جديد يوم هذا", "rtl"), ("今日 は 晴れ", "晴れ は 今日", "ltr")],
)
def test_text_runs_as_its_script_does(page, sentence, output, direction):
    page.open("?model=mirror")
    assert page.decode(sentence) == output
    for name in ("sentence", "text", "heatmap"):
        assert page[name].value_of_css_property("direction") == direction
    columns = page.all("#heatmap th[scope=col]")
    assert [cell.text for cell in columns] == sentence.split()
    left = [cell.rect["x"] for cell in columns]
    assert left == sorted(left, reverse=direction == "rtl")


def test_errors_of_the_server_are_shown_and_go_away(page):
    page.open("?model=mirror")
    assert page.decode("a broken thing") == ""
    assert page["problem"].aria_role == "alert"
    assert "A broken line" in page["problem"].text
    assert page.decode("whole") == "whole"
    assert not page["problem"].is_displayed()


def test_a_file_is_decoded_line_by_line_whatever_is_in_it(page, tmp_path):
    lines = [f"{number} line" for number in range(150)]
    lines[7] = ""
    for place in (0, 63, 64):
        lines[place] = f"broken {ATTACK}"
    page.open("?model=mirror")
    told = page.decode_file(tmp_path / "input.txt", "\n".join(lines) + "\n")
    assert told == "Done: 150 lines decoded, of which 3 could not be read and are left empty."
    assert [text.split(":")[0] for text in page.texts("#broken li")] == ["line 1", "line 64", "line 65"]
    assert page["count"].text == "150 of 150 lines of “\u2068input.txt\u2069”"
    page["download"].click()
    result = page.browser.downloads / "input.out.txt"
    page.wait(lambda _: result.exists())
    wanted = ["" if "broken" in line else " ".join(reversed(line.split())) for line in lines]
    assert result.read_text("utf-8") == "".join(line + "\n" for line in wanted)


def test_a_file_can_be_dropped_anywhere_and_canceled(page):
    page.open("?model=mirror")
    page.browser.execute_script("""
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File(["a line\\n".repeat(100000)], "long.txt"));
        document.body.dispatchEvent(new DragEvent("drop", {dataTransfer, bubbles: true, cancelable: true}));
    """)
    page.wait(lambda _: page["progress"].get_property("value") > 0)
    assert page["progress"].accessible_name.endswith("of 100,000 lines of “\u2068long.txt\u2069”")
    page["cancel"].click()
    page.wait(lambda _: page["told"].text)
    count = int(page["told"].text.removeprefix("Canceled: ").split(" lines")[0].replace(",", ""))
    assert 0 < count < 100_000
    assert page["download"].is_displayed()


def test_it_works_as_a_local_file_with_any_server_that_lets_it(page):
    page.open(f"?server={page.server}&model=dates", PAGE.as_uri())
    assert page.decode("3 March 2021") == "2021-03-03"


def test_a_server_that_does_not_let_it_or_is_not_there_is_named_with_what_to_do(page, served):
    address = f"http://127.0.0.1:{served[1].rest_port}"
    page.open(f"?server={address}&model=half")
    assert page["problem"].text.startswith(f"No answer from {address}.")
    assert "TensorFlow Serving, or keras-attn serve, with --rest_api_enable_cors_support" in page["problem"].text


def test_a_model_that_takes_no_string_is_refused_with_the_reason(page, client):
    page.open(f"?server=http://127.0.0.1:{client.rest_port}&model=half")
    assert page["problem"].text.endswith("the signature serving_default of this model takes x (DT_FLOAT).")


def test_nothing_is_asked_of_anybody_but_the_server(page, tmp_path):
    page.open()
    assert [each.get_attribute("value") for each in page.all("#models option")] == ["dates", "mirror"]
    assert page["model"].get_attribute("value") == "dates"
    page.decode("3 March 2021")
    page.decode_file(tmp_path / "input.txt", "3 March 2021\n")
    events = [json.loads(entry["message"])["message"] for entry in page.logs("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    paths = {address.removeprefix(page.server) for address in asked if not address.startswith("data:")}
    assert paths == {"/", "/v1/models/dates/metadata", "/v1/models/dates:predict"}
    assert not page.logs("browser")
