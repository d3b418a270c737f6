-- Who closed an incident: `system` when its finding ended, else the person, whose word a later version does not undo.
alter table incident add column closed_by text;
grant update (closed_by) on incident to coldwatch_web;
