"""The plan as a table."""

from hepaflow.methods.thesis import plan_of
from hepaflow.names import FUSION, STAGES
from hepaflow.settings.workflow import Settings
from hepaflow.tables.plan import DATA, plan_table


def test_every_stage_of_every_method_has_a_row_and_so_have_data_and_what_others_give() -> None:
    plan = plan_of(Settings())
    table = plan_table(plan, {"reader": ("liver",)})
    parts = {method: list(rows["part"]) for method, rows in table.groupby("method", sort=False)}
    assert parts[DATA] == list(plan.data)
    assert {parts.pop(name)[0] for name in ("reader", DATA)} == {"liver"}
    assert parts == {method: list(STAGES) for method in plan.methods}
    words = table.set_index(["method", "part"])["made by"]
    assert words[FUSION, "liver"].startswith("vote of ")
    assert words["reader", "liver"] == "as another system gives it"
