"""Whom an announcement did not reach."""

from sqlalchemy import ColumnElement, Select, Subquery, and_, case, exists, func, or_, select
from sqlalchemy.orm import aliased

from core.announcements.delivery.lanes import DeliveryState
from core.tables import AccountRow, AnnouncementRunRow, DeliveryRow


def unreached(announcement_id: int) -> ColumnElement[bool]:
    """A condition on the `AccountRow` of a query: its person was not reached by an announcement.

    For a turn of the pump, which looks at few; all of them are counted with `tried_by_member`.
    Either a try ended otherwise, on any account of theirs, or their turn never came. It is
    answered from indexes, row by row, or, where all are counted, by one join: so each of the
    accounts of a person is joined to its delivery. PostgreSQL would answer ``recipient IN`` by
    reading every delivery of the announcement for each account.
    """
    theirs, run = aliased(AccountRow), AnnouncementRunRow
    tried = (
        select(DeliveryRow.recipient)
        .join(theirs, theirs.id == DeliveryRow.recipient)
        .where(
            DeliveryRow.announcement_id == announcement_id,
            theirs.member_id == AccountRow.member_id,
        )
        .correlate(AccountRow)
    )
    got = DeliveryRow.state == DeliveryState.DELIVERED
    turn_never_came = exists().where(
        run.announcement_id == announcement_id,
        run.platform == AccountRow.platform,
        run.cursor < AccountRow.id,
        AccountRow.id <= run.last,
    )
    return and_(~tried.where(got).exists(), or_(tried.where(~got).exists(), turn_never_came))


def tried_by_member(announcement_id: int) -> Subquery:
    """(member_id, got) of everybody to whom it was sent: whether any account of theirs got it."""
    got = case((DeliveryRow.state == DeliveryState.DELIVERED, 1), else_=0)
    return (
        select(AccountRow.member_id, func.max(got).label("got"))
        .join(DeliveryRow, DeliveryRow.recipient == AccountRow.id)
        .where(DeliveryRow.announcement_id == announcement_id)
        .group_by(AccountRow.member_id)
        .subquery()
    )


def missed(announcement_id: int) -> Select[int]:
    """Account ids of those whom it did not reach; see `unreached`."""
    return select(AccountRow.id).where(unreached(announcement_id))
