"""petition: 问政投诉平台, an exchange database (contract: docs/contracts/petition/)."""
