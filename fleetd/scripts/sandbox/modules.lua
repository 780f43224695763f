-- What Sveltos adds to Lua where it renders policies, validates health and classifies clusters.
local functions = {}
local modules = {}

return { functions = functions, modules = modules }
