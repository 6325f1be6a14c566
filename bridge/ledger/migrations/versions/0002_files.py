"""files of a call, and where their copies stand"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table(
        'files',
        sa.Column('id', KEY, autoincrement=True, nullable=False),
        sa.Column('call', KEY, nullable=False),
        sa.Column('platform', sa.String(length=64), nullable=False),
        sa.Column('file_id', sa.String(length=1024), nullable=False),
        sa.Column('name', sa.Text(), nullable=False),
        sa.Column('media_type', sa.String(length=128), nullable=False),
        sa.Column('size', sa.BigInteger(), nullable=True),
        sa.Column('sha256', sa.String(length=64), nullable=False),
        sa.Column('seen_at', sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(['call'], ['calls.id'], name=op.f('fk_files_call')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_files')),
        sa.UniqueConstraint('call', 'platform', 'file_id', name=op.f('uq_files_call_platform_file_id')),
    )
    op.create_table(
        'file_copies',
        sa.Column('id', KEY, autoincrement=True, nullable=False),
        sa.Column('file', KEY, nullable=False),
        sa.Column('platform', sa.String(length=64), nullable=False),
        sa.Column('file_id', sa.String(length=1024), nullable=False),
        sa.Column('name', sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(['file'], ['files.id'], name=op.f('fk_file_copies_file')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_file_copies')),
        sa.UniqueConstraint('file', 'platform', name=op.f('uq_file_copies_file_platform')),
    )


def downgrade() -> None:
    op.drop_table('file_copies')
    op.drop_table('files')
