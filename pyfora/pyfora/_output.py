"""What a job prints appears where this program prints."""

import logging
import sys

from ufora_core.protocol.client import JobOutput

_log = logging.getLogger(__name__)


def write(output: JobOutput) -> None:
    """Write the text to this program's stream of the same name."""
    stream = sys.stdout if output.stream == "stdout" else sys.stderr
    try:
        stream.write(output.text)
    except (AttributeError, OSError, ValueError) as error:
        # There is no stream (pythonw), or it is closed, or a broken pipe: the job itself is well.
        _log.warning("output of a job could not be written to %s: %s", output.stream, error)
