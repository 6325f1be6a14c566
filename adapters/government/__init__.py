"""智慧岚山政务服务平台 (government): signed REST JSON, duplicates named by the platform, contact masked in lists.

Wire only: what the fields mean is said in the mapping. Contract: docs/contracts/government/.
"""
