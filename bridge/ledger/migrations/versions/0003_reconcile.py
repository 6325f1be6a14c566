"""when a call on a platform was last compared, and since when it is gone there"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('links', sa.Column('compared_at', sa.BigInteger(), server_default='0', nullable=False))
    op.add_column('links', sa.Column('gone_at', sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column('links', 'gone_at')
    op.drop_column('links', 'compared_at')
