"""The search loop: what is asked, evaluated and chosen, from the first trial to the last."""
