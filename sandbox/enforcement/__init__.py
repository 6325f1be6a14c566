"""Stand-in of 综合执法指挥平台, case exchange, written from docs/contracts/enforcement/ alone.

Must not know who reads it, nor how; nothing outside `sandbox` and the tests imports it.
"""
