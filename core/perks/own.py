"""What a member's own page asks while it shows a pass."""

from sqlalchemy import select

from core.database import transaction
from core.perks.base import Base
from core.perks.model import Use
from core.tables import RedemptionRow


class Own(Base):
    """Answers that need no reading of the chain."""

    async def last_use(self, member_id: int, perk: str) -> Use | None:
        """When and where this member used a perk last, re-entries included; undone ones not."""
        query = (
            select(RedemptionRow)
            .where(
                RedemptionRow.member_id == member_id,
                RedemptionRow.perk == perk,
                RedemptionRow.undone_at.is_(None),
            )
            .order_by(RedemptionRow.recorded_at.desc())
            .limit(1)
        )
        async with transaction(self._sessions) as session:
            row = await session.scalar(query)
        return Use(row.at, row.facility) if row else None
