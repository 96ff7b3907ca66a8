"""Records to train surrogates on: candidates of all sizes, trained and measured, some of them several times."""

from analognas.collection.collect import Collection, execute
from analognas.collection.plan import CollectionPlan, plan_collection

__all__ = ["Collection", "CollectionPlan", "execute", "plan_collection"]
