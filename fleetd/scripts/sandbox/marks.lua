-- What is known of the tables that a script was given, beside what is in them: whether an empty one is a list, where JSON had a
-- null, and which fields that are not there were read. Given the limits; returns functions.
-- The knowledge hangs on metatables whose `__index` is asked only for what is absent, so that nothing else is slower or different.
local limits = ...

local type, next, rawget, setmetatable, getmetatable = type, next, rawget, setmetatable, debug.getmetatable
local format, find, concat, sort = string.format, string.find, table.concat, table.sort
local has_new_table, new_table = pcall(require, "table.new") -- LuaJIT has it

local WEAK = { __mode = "k" }
local kinds = setmetatable({}, WEAK) -- of metatables: "list" or "map"
local nulls = setmetatable({}, WEAK) -- of tables: the keys that JSON gave null

local LIST, MAP = {}, {}
kinds[LIST], kinds[MAP] = "list", "map"

local function new_list()
  return setmetatable({}, LIST)
end

-- The same list, laid out so that its length is the place of its last element, whatever is null before it.
local function laid_out(list)
  local last = 0
  for index in next, list do
    if index > last then last = index end
  end
  local whole = new_table(last, 0)
  for index = 1, last do whole[index] = list[index] end
  return whole
end

-- `is_list` is told apart here, because a list may begin with null.
local function with_nulls(value, keys, is_list)
  if is_list and has_new_table then value = laid_out(value) end
  nulls[value] = keys
  return setmetatable(value, is_list and LIST or MAP)
end

local function kind_of(value)
  return kinds[getmetatable(value)]
end

local given = { bytes = 0, values = 0 } -- how much the script was given

local function mark_all(value, list, map)
  local values = 4
  setmetatable(value, (rawget(value, 1) ~= nil or kind_of(value) == "list") and list or map)
  for _, element in next, value do
    values = values + 1
    if type(element) == "table" then mark_all(element, list, map) end
  end
  given.values = given.values + values
end

-- For what a module decoded: it keeps its empty lists and maps apart, and nobody asks what was read of it.
local function decoded(value)
  local values = given.values
  if type(value) == "table" then mark_all(value, LIST, MAP) end
  given.values = values
  return value
end

local trace

-- Marks what a script is given, and begins to note what it reads in vain.
local function watch(values, bytes)
  given.bytes, given.values = bytes, 0
  trace = { tables = {}, keys = {}, count = 0, roots = values }
  local own = trace
  local function missed(value, key)
    local count = own.count
    if count >= limits.reads or type(key) ~= "string" and next(value) ~= nil then return nil end
    for index = 1, count do
      if own.tables[index] == value and own.keys[index] == key then return nil end
    end
    own.count = count + 1
    own.tables[count + 1], own.keys[count + 1] = value, key
    return nil
  end
  local list, map = { __index = missed }, { __index = missed }
  kinds[list], kinds[map] = "list", "map"
  for _, value in next, values do
    if type(value) == "table" then mark_all(value, list, map) end
  end
end

local function step(key)
  if type(key) ~= "string" then return "[" .. key .. "]" end
  if find(key, "^[%a_][%w_]*$") then return "." .. key end
  return format("[%q]", key)
end

-- The way from a root to each of these tables, by a walk through what the script was given; it is not found where the script moved it.
local function ways(roots, wanted, missing)
  local found, stack, visits = {}, {}, 0
  for name, root in next, roots do
    if type(root) == "table" then stack[#stack + 1] = { root, name } end
  end
  while #stack > 0 and missing > 0 and visits < limits.visits do
    local value, way = stack[#stack][1], stack[#stack]
    stack[#stack] = nil
    visits = visits + 1
    if wanted[value] and not found[value] then
      found[value], missing = way, missing - 1
    end
    for key, element in next, value do
      if type(element) == "table" and (type(key) == "string" or type(key) == "number") then
        stack[#stack + 1] = { element, key, way }
      end
    end
  end
  return found
end

local function written(way, key)
  local steps = { step(key) }
  while way[3] do
    steps[#steps + 1] = step(way[2])
    way = way[3]
  end
  steps[#steps + 1] = way[2]
  for index = 1, #steps / 2 do
    steps[index], steps[#steps + 1 - index] = steps[#steps + 1 - index], steps[index]
  end
  return concat(steps)
end

-- Paths such as `obj.status.phase`, in the order in which they were first read.
local function missing()
  local own, wanted, tables, paths = trace, {}, 0, {}
  for index = 1, own.count do
    if not wanted[own.tables[index]] then wanted[own.tables[index]], tables = true, tables + 1 end
  end
  local found = tables > 0 and ways(own.roots, wanted, tables)
  for index = 1, own.count do
    local way = found[own.tables[index]]
    -- What the script gave a value later was no surprise to it.
    if way and rawget(own.tables[index], own.keys[index]) == nil then paths[#paths + 1] = written(way, own.keys[index]) end
  end
  return paths
end

local function keys_of_nulls(value)
  return nulls[value]
end

-- The keys of a table: whole numbers as they count, then texts in their order, then whatever else.
local function before(one, other)
  local one_type, other_type = type(one), type(other)
  if one_type ~= other_type then return one_type == "number" or one_type == "string" and other_type ~= "number" end
  if one_type == "number" or one_type == "string" then return one < other end
  return false
end

local function sorted_keys(value)
  local keys, count = {}, 0
  for key in next, value do
    local kind = type(key)
    if kind == "number" or kind == "string" then
      count = count + 1
      keys[count] = key
    end
  end
  sort(keys, before)
  for key in next, value do
    local kind = type(key)
    if kind ~= "number" and kind ~= "string" then
      count = count + 1
      keys[count] = key
    end
  end
  return keys
end

return {
  new_list = new_list, with_nulls = with_nulls, kind_of = kind_of, keys_of_nulls = keys_of_nulls, decoded = decoded,
  given = given, watch = watch, missing = missing, sorted_keys = sorted_keys,
}
