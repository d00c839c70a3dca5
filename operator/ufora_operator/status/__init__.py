"""``status`` of a UforaCluster: conditions and figures, from the plan and what was seen."""
