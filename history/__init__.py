"""From rows to answers: queries over the published views."""
