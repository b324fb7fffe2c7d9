"""Which text a document has, whatever its white space: the digest of the text's normal form. Of documents
that were added before, it is found when texts are first compared with theirs.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("documents", sa.Column("normal_form", sa.String(), nullable=True))
    op.create_index("ix_documents_normal_form", "documents", ["normal_form"])
