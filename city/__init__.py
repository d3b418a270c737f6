"""The simulated city: what its rooms, instruments and cameras would say, drawn from a seed, sent as real devices do.

The physics is pure: `rooms`, `doors`, `instruments`, `cameras`, `faults`, `plan`, `feeds`. `enrolment` and `publisher`
are its edges, `simulation` ties both together.
"""
