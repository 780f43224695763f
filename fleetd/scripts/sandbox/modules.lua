-- What Sveltos adds to Lua: the modules json, strings, runes and sprig, and a few functions.
-- Given the limits, the encoder, what is known of tables, the names of what Python offers, and a function that calls it. That one is
-- reached from here only: a script meets neither it nor an error of Python, which would be an object of Python.
local limits, answers, marks, names, call = ...

local type, next, select, error, rawget, pcall, unpack = type, next, select, error, rawget, pcall, unpack
local concat, match = table.concat, string.match
local encoded, decoded = answers.encoded, marks.decoded

local functions, modules = {}, { json = {}, strings = {}, runes = {}, sprig = {} }

local function settled(name, protected, fine, first, ...)
  if not protected then error(name .. ": it used more than it may", 0) end
  if not fine then error(name .. ": " .. first, 0) end
  return decoded(first), ...
end

local function bridged(name)
  return function(...)
    local texts, count = {}, select("#", ...)
    for index = 1, count do
      local fine, text = pcall(encoded, (select(index, ...)), "[]")
      if not fine then
        if match(name, "^json%.") then return nil, text end
        error(name .. ": the argument cannot be taken: " .. text, 0)
      end
      texts[index] = text
    end
    return settled(name, pcall(call, name, "[" .. concat(texts, ",") .. "]"))
  end
end

for _, name in next, names do
  local module, own = match(name, "^(%w+)%.(%w+)$")
  if module then modules[module][own] = bridged(name) else functions[name] = bridged(name) end
end

local function wanted(name, position, value, kind)
  if type(value) ~= kind then error("bad argument #" .. position .. " to " .. name .. " (" .. kind .. " expected, got " .. type(value) .. ")", 0) end
end

local function within(value, ...)
  for index = 1, select("#", ...) do
    if type(value) ~= "table" then return nil end
    value = rawget(value, (select(index, ...)))
  end
  return value
end

local function labelled(name, field)
  return function(object, key)
    wanted(name, 1, object, "table")
    wanted(name, 2, key, "string")
    local value = within(object, "metadata", field, key)
    return type(value) == "string" and value or nil
  end
end

functions.getLabel = labelled("getLabel", "labels")
functions.getAnnotation = labelled("getAnnotation", "annotations")

function functions.getResource(resources, key)
  wanted("getResource", 1, resources, "table")
  wanted("getResource", 2, key, "string")
  return rawget(resources, key)
end

-- Go's strings.…Func: a function of the script is asked about each character, which is a number.
local strings, sprig = modules.strings, modules.sprig
local points, text_of = modules.runes.runeslice, modules.runes.runestring

local function judged(name, text, judge)
  wanted("strings." .. name, 1, text, "string")
  wanted("strings." .. name, 2, judge, "function")
  local all, verdicts = points(text), {}
  for index = 1, #all do verdicts[index] = judge(all[index]) end
  return all, verdicts
end

local function joined(all, first, last)
  local parts = {}
  -- In pieces: a call takes only so many arguments.
  for start = first, last, 1000 do parts[#parts + 1] = text_of(unpack(all, start, start + 999 < last and start + 999 or last)) end
  return concat(parts)
end

local function bounds(all, verdicts, left, right)
  local first, last = 1, #all
  while left and first <= last and verdicts[first] do first = first + 1 end
  while right and first <= last and verdicts[last] do last = last - 1 end
  return first, last
end

local function trimming(name, left, right)
  return function(text, judge)
    local all, verdicts = judged(name, text, judge)
    return joined(all, bounds(all, verdicts, left, right))
  end
end

strings.TrimFunc = trimming("TrimFunc", true, true)
strings.TrimLeftFunc = trimming("TrimLeftFunc", true, false)
strings.TrimRightFunc = trimming("TrimRightFunc", false, true)

-- Where a character stands, in bytes from 0.
local function offset(all, index)
  return #joined(all, 1, index - 1)
end

function strings.IndexFunc(text, judge)
  local all, verdicts = judged("IndexFunc", text, judge)
  for index = 1, #all do
    if verdicts[index] then return offset(all, index) end
  end
  return -1
end

function strings.LastIndexFunc(text, judge)
  local all, verdicts = judged("LastIndexFunc", text, judge)
  for index = #all, 1, -1 do
    if verdicts[index] then return offset(all, index) end
  end
  return -1
end

function strings.FieldsFunc(text, judge)
  local all, verdicts = judged("FieldsFunc", text, judge)
  local fields, start = marks.new_list(), nil
  for index = 1, #all + 1 do
    if index > #all or verdicts[index] then
      if start then fields[#fields + 1], start = joined(all, start, index - 1), nil end
    else
      start = start or index
    end
  end
  return fields
end

function strings.Map(change, text)
  wanted("strings.Map", 1, change, "function")
  wanted("strings.Map", 2, text, "string")
  local all, out = points(text), {}
  for index = 1, #all do
    local changed = change(all[index])
    wanted("strings.Map", 1, changed, "number")
    if changed >= 0 then out[#out + 1] = changed end
  end
  return joined(out, 1, #out)
end

-- Sprig's functions of any value.
local function empty(value)
  return value == nil or value == false or value == 0 or value == "" or type(value) == "table" and next(value) == nil
end

sprig.empty = empty

function sprig.all(list)
  wanted("sprig.all", 1, list, "table")
  for _, value in next, list do
    if empty(value) then return false end
  end
  return true
end

function sprig.any(list)
  wanted("sprig.any", 1, list, "table")
  for _, value in next, list do
    if not empty(value) then return true end
  end
  return false
end

function sprig.coalesce(...)
  for index = 1, select("#", ...) do
    local value = select(index, ...)
    if not empty(value) then return value end
  end
  return nil
end

local function chosen(name, take)
  return function(list)
    wanted(name, 1, list, "table")
    local out, seen = marks.new_list(), {}
    for _, key in next, marks.sorted_keys(list) do
      local value = rawget(list, key)
      if take(value, seen) then out[#out + 1] = value end
    end
    return out
  end
end

sprig.compact = chosen("sprig.compact", function(value) return not empty(value) end)
sprig.uniq = chosen("sprig.uniq", function(value, seen)
  if seen[value] then return false end
  seen[value] = true
  return true
end)

function sprig.ternary(yes, no, condition)
  wanted("sprig.ternary", 3, condition, "boolean")
  if condition then return yes end
  return no
end

return { functions = functions, modules = modules }
