"""A document's title can be corrected. The one that its lines were written and its cells were trained under
is kept beside it: what is built again of them is then the same.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("documents", sa.Column("first_title", sa.String(), nullable=True))
