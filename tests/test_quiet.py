"""TensorFlow's greetings are set aside, and shown when something is wrong."""

from __future__ import annotations

import subprocess
import sys

import pytest


def run(code: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", f"from keras_attn.quiet import import_tensorflow\n{code}"],
        env={**environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_importing_and_using_tensorflow_prints_nothing():
    result = run("import_tensorflow()\nimport tensorflow as tf\nprint(int(tf.constant(1) + 1))")
    assert (result.stdout, result.stderr) == ("2\n", "")


def test_a_failing_import_shows_what_was_set_aside(tmp_path):
    broken = "import os\nos.write(2, b'a library is missing\\n')\nraise ImportError('cannot load')\n"
    (tmp_path / "tensorflow.py").write_text(broken)
    result = run(f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nimport_tensorflow()")
    assert result.returncode == 1
    assert result.stderr.startswith("a library is missing\n")
    assert result.stderr.endswith("ImportError: cannot load\n")


def test_standard_error_is_back_afterwards_and_never_away_at_level_zero(tmp_path):
    (tmp_path / "tensorflow.py").write_text(
        "import os, types\nos.write(2, b'greeting')\nconfig = types.SimpleNamespace(list_physical_devices=lambda: [])\n"
    )
    code = f"import os, sys; sys.path.insert(0, {str(tmp_path)!r})\n"
    code += "import_tensorflow()\nimport tensorflow; os.write(2, b'heard')"
    assert run(code).stderr == "heard"
    assert run(code, TF_CPP_MIN_LOG_LEVEL="0").stderr == "greetingheard"


@pytest.mark.parametrize(("environment", "threads"), [({}, 1), ({"TF_NUM_INTRAOP_THREADS": "3"}, 0)])
def test_operations_have_one_core_where_batches_run_side_by_side(environment, threads):
    code = "import_tensorflow(side_by_side=True)\nimport tensorflow as tf\n"
    code += "print(tf.config.threading.get_intra_op_parallelism_threads())\n"
    code += "tf.constant(1) + 1\nimport_tensorflow(side_by_side=True)"  # too late is no error
    assert run(code, **environment).stdout == f"{threads}\n"
