"""What the flows need from outside. Adapters implement it; flows know nothing else of them."""

from connector.ports.channel import Channel
from connector.ports.deps import Deps, Tool
from connector.ports.store import Change, Handed, Store, Stored, Tx
from connector.ports.vendor import Capability, Cursor, Diagnosis, FieldInfo, Hint, Page, Vendor

__all__ = [
    "Capability", "Change", "Channel", "Cursor", "Deps", "Diagnosis", "FieldInfo", "Handed", "Hint", "Page",
    "Store", "Stored", "Tool", "Tx", "Vendor",
]
