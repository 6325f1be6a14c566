"""Stand-in of a GeoReport v2 server (Open311), written from docs/contracts/open311/ alone.

Must not know who reads it, nor how; nothing outside `sandbox` and the tests imports it.
"""
