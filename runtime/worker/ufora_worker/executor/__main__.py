"""Where an executor's process begins: with what takes longest, beside all that it imports.

Started by its supervisor as ``python -m ufora_worker.executor '{...}'`` (see ``orders``).
"""

import gc
import sys
import threading

from ufora_worker.executor.orders import orders_from
from ufora_worker.native.llvm.library import map_library


def main() -> None:
    """Run an executor until its supervisor is gone."""
    orders = orders_from(sys.argv[1])
    # What is imported stays: to look for garbage in it takes 20 ms.
    gc.disable()
    if orders.native_folder is not None:
        threading.Thread(target=map_library, name="ufora-library", daemon=True).start()
    from ufora_worker.executor.process import run

    run(orders)


if __name__ == "__main__":
    main()
