import subprocess
import sys

FIRST = """
import sys
from ufora_core import program
from ufora_core.errors import ProtocolError

called = []

def note(frame, event, _):
    if event == "call" and "msgspec" in frame.f_code.co_filename:
        called.append(frame.f_code.co_name)

for kind in (program.Program, program.LoopTask, program.Partial, program.Result, program.Kept):
    sys.setprofile(note)
    try:
        program.decode(b"", kind)
    except ProtocolError as error:
        assert kind.__name__ in str(error)
    sys.setprofile(None)
print(called)
"""


def test_the_first_decoding_works_out_no_type() -> None:
    """Two threads that do it at once would crash the process."""
    done = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
