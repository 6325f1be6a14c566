"""city: 数字化城市管理平台, XML over HTTP POST in GB18030 (contract: docs/contracts/city/)."""
