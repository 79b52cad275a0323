"""From files of lines to files of decoded lines, wherever Beam runs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence

import apache_beam as beam
from apache_beam.io import fileio
from apache_beam.io.filesystems import FileSystems
from apache_beam.metrics import MetricsFilter
from apache_beam.ml.inference.base import RunInference
from apache_beam.options.pipeline_options import PipelineOptions

from keras_attn.bulk.line_model import LINES, ODD, LineModel, Lines
from keras_attn.bulk.window import Window, windows
from keras_attn.errors import UserError
from keras_attn.lines.odd import told

# Beam's DirectRunner looks for another runner on the net first.
HERE = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"


def read(file: fileio.ReadableFile) -> Iterator[Window]:
    """The windows of a file; one that is compressed, by its name, is unpacked."""
    with file.open() as stream:
        yield from windows(FileSystems.split(file.metadata.path)[1], stream)


def write(decoded: Lines, output: str) -> str:
    """Write a window's file, whole or not at all: a worker that fails is tried again, maybe elsewhere.

    Returns:
        Its path.
    """
    name, lines = decoded
    path = FileSystems.join(output, name)
    made = FileSystems.join(output, f".{name}.{uuid.uuid4().hex}")  # two workers may be at it
    with FileSystems.create(made, compression_type="uncompressed") as file:
        file.write("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))
    FileSystems.rename([made], [path])
    return path


def decode_files(model: LineModel, inputs: Sequence[str], output: str, options: Sequence[str] = ()) -> str:
    """Decode files, each into files of up to 4,096 lines whose names sort in the order of the lines.

    Args:
        model: what decodes.
        inputs: patterns of paths that Beam can read, of which no two match files of one name.
        output: a folder that is new or empty.
        options: Beam's, such as `--runner=FlinkRunner`; without any it runs on this machine.

    Returns:
        What was odd about how many lines; empty if nothing was, or the runner does not tell.

    Raises:
        UserError: no file matches, two have one name, or `output` has files.
    """
    paths = [found.path for match in FileSystems.match(list(inputs)) for found in match.metadata_list]
    if not paths:
        raise UserError(f"--input: expected files, found none that match {' '.join(inputs)}")
    names = [FileSystems.split(path)[1] for path in paths]
    if twice := {name for name in names if names.count(name) > 1}:
        raise UserError(f"--input: expected files of different names, got several {', '.join(sorted(twice))}")
    if any(match.metadata_list for match in FileSystems.match([FileSystems.join(output, "*")])):
        raise UserError(f"--output: expected a new or an empty folder, {output!r} has files")
    if not FileSystems.exists(output):
        FileSystems.mkdirs(output)
    pipeline = beam.Pipeline(options=PipelineOptions(list(options) or [f"--runner={HERE}"]))
    (
        pipeline
        | beam.Create(paths)
        | fileio.MatchAll()
        | fileio.ReadMatches()
        | "lines" >> beam.FlatMap(read)
        | beam.Reshuffle()  # or one worker would decode all of a file
        | RunInference(model)
        | "write" >> beam.Map(write, output)
    )
    done = pipeline.run()
    done.wait_until_finish()
    counters = done.metrics().query(MetricsFilter().with_namespace(ODD))["counters"]
    counts = {counter.key.metric.name: counter.result for counter in counters}
    return told(counts.pop(LINES, 0), counts)
