"""Why a connection is not being read. Plain numbers, since an IntFlag costs a microsecond each time it is asked."""

FULL, UNREAD, SIGNING_IN, CLOSING, BUSY = 1, 2, 4, 8, 16
"""The bound, its client reads nothing, its device is looked up, its end, its turn is over and more of it is here."""
