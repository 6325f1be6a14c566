"""grid: 治安综治网格平台, SOAP 1.1 with WS-Security (contract: docs/contracts/grid/)."""
