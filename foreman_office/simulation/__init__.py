"""The demo: a live program beside the sample, a simulated foreman and five simulated builders.

These work with the builders' client, a distribution of its own, from its source beside the office.
"""

import sys
from pathlib import Path

CLIENT = str(Path(__file__).resolve().parents[2] / "client")
if CLIENT not in sys.path:
    sys.path.append(CLIENT)
