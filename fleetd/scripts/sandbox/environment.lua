-- What a script may see. Given the limits, the modules, and what is known of tables; returns a function that makes fresh globals.
-- `limits.text`: bytes that a string function may be given or make.
local limits, offered, marks = ...

local type, next, error, select, unpack, pcall, rawget = type, next, error, select, unpack, pcall, rawget
local format, rep, find, gsub, floor = string.format, string.rep, string.find, string.gsub, math.floor
local original_tostring, original_pairs, original_ipairs, original_getmetatable = tostring, pairs, ipairs, getmetatable
local kind_of, keys_of_nulls, sorted_keys, sort = marks.kind_of, marks.keys_of_nulls, marks.sorted_keys, table.sort

-- A pattern function's work grows faster than its text; what a short text can still cost is bounded by the limit on time.
local function bounded(name, original)
  return function(text, ...)
    if type(text) == "string" and #text > limits.text then
      error("string." .. name .. " was given a text of more than " .. limits.text .. " bytes", 2)
    end
    return original(text, ...)
  end
end

local function bounded_rep(text, count)
  if type(text) == "string" and type(count) == "number" and #text * count > limits.text then
    error("string.rep would make a text of more than " .. limits.text .. " bytes", 2)
  end
  return rep(text, count)
end

-- gopher-lua writes whole numbers in full.
local function text_of(value)
  if type(value) == "number" and value == floor(value) and value > -2 ^ 63 and value < 2 ^ 63 then return format("%.0f", value + 0) end
  return original_tostring(value)
end

local function lua_tostring(...)
  if select("#", ...) == 0 then error("bad argument #1 to 'tostring' (value expected)", 2) end
  return text_of((...))
end

-- Go's verbs %v and %t, which gopher-lua takes, and whole numbers in full.
local function formatted(pattern, ...)
  if type(pattern) ~= "string" then return format(pattern, ...) end
  local given, index = { ... }, 0
  local plain = gsub(pattern, "%%([%-+ #0]*%d*%.?%d*)(.)", function(flags, verb)
    if verb == "%" and flags == "" then return nil end
    index = index + 1
    if verb ~= "v" and verb ~= "t" and verb ~= "s" then return nil end
    if type(given[index]) == "number" then given[index] = text_of(given[index]) end
    return "%" .. flags .. "s"
  end)
  local fine, text = pcall(format, plain, unpack(given, 1, select("#", ...)))
  if not fine then error(text, 2) end
  return text
end

local strings = {
  byte = string.byte, char = string.char, format = formatted, len = string.len, lower = string.lower,
  reverse = string.reverse, sub = string.sub, upper = string.upper, rep = bounded_rep,
  find = bounded("find", string.find), match = bounded("match", string.match),
  gmatch = bounded("gmatch", string.gmatch), gsub = bounded("gsub", string.gsub),
}
strings.gfind = strings.gmatch

-- Methods of strings reach their own copy, which no script can name and so none can change.
local string_methods = {}
for name, value in next, strings do string_methods[name] = value end
local string_metatable = getmetatable("")
string_metatable.__index = string_methods
string_metatable.__metatable = false

-- In the order of the keys: an answer must not depend on how a table lies in memory.
local function ordered_pairs(value)
  if type(value) ~= "table" then
    local _, message = pcall(original_pairs, value)
    error(message, 2)
  end
  local keys = sorted_keys(value)
  local index = 0
  return function()
    while true do
      index = index + 1
      local key = keys[index]
      if key == nil then return nil end
      local element = rawget(value, key)
      if element ~= nil then return key, element end
    end
  end, value, nil
end

-- A null in a list keeps its place: it is passed over, and does not end the list.
local function patient_ipairs(value)
  local nulls = type(value) == "table" and keys_of_nulls(value)
  if not nulls then return original_ipairs(value) end
  local length, index = #value, 0
  for _, key in next, nulls do
    if type(key) == "number" and key > length then length = key end
  end
  return function()
    while index < length do
      index = index + 1
      local element = rawget(value, index)
      if element ~= nil then return index, element end
    end
  end, value, 0
end

-- What hangs on the tables that a script was given is none of its business.
local function lua_getmetatable(value)
  if type(value) == "table" and kind_of(value) then return nil end
  return original_getmetatable(value)
end

local function merged(list, first, last, before)
  if first >= last then return end
  local middle = floor((first + last) / 2)
  merged(list, first, middle, before)
  merged(list, middle + 1, last, before)
  local left, right, out = first, middle + 1, {}
  while left <= middle or right <= last do
    if right > last or left <= middle and not before(list[right], list[left]) then
      out[#out + 1], left = list[left], left + 1
    else
      out[#out + 1], right = list[right], right + 1
    end
  end
  for index = 1, #out do list[first + index - 1] = out[index] end
end

-- An order that contradicts itself (`<=` for `<`) sorts somehow with gopher-lua, and is an error in Lua's own function.
local function patient_sort(list, before)
  local fine, message = pcall(sort, list, before)
  if fine then return end
  if type(message) == "string" and find(message, "invalid order function", 1, true) then return merged(list, 1, #list, before) end
  error(message, type(message) == "string" and find(message, "^script:%d+:") and 0 or 2)
end

-- A coroutine that resumes another one takes from the stack of the process, which the interpreter does not look after.
local create, resume, depth = coroutine.create, coroutine.resume, 0

local function left(...)
  depth = depth - 1
  return ...
end

local function shallow_resume(thread, ...)
  if depth >= limits.coroutines then return false, "coroutines are nested deeper than " .. limits.coroutines .. " levels" end
  depth = depth + 1
  return left(resume(thread, ...))
end

local function passed(fine, ...)
  if not fine then error((...), 0) end
  return ...
end

local function shallow_wrap(work)
  local thread = create(work)
  return function(...) return passed(shallow_resume(thread, ...)) end
end

local base = {
  assert = assert, error = error, getmetatable = lua_getmetatable, ipairs = patient_ipairs, next = next, pairs = ordered_pairs, pcall = pcall,
  print = function() end, rawequal = rawequal, rawget = rawget, rawset = rawset, select = select,
  setmetatable = setmetatable, tonumber = tonumber, tostring = lua_tostring, type = type, unpack = unpack, xpcall = xpcall,
  _VERSION = "Lua 5.1",
}

local libraries = {
  string = strings,
  table = {
    concat = table.concat, getn = table.getn, insert = table.insert, maxn = table.maxn, remove = table.remove,
    sort = patient_sort,
  },
  math = {
    abs = math.abs, acos = math.acos, asin = math.asin, atan = math.atan, atan2 = math.atan2, ceil = math.ceil,
    cos = math.cos, cosh = math.cosh, deg = math.deg, exp = math.exp, floor = math.floor, fmod = math.fmod,
    frexp = math.frexp, huge = math.huge, ldexp = math.ldexp, log = math.log, log10 = math.log10, max = math.max,
    min = math.min, mod = math.fmod, modf = math.modf, pi = math.pi, pow = math.pow, rad = math.rad,
    random = math.random, randomseed = function() end, sin = math.sin, sinh = math.sinh, sqrt = math.sqrt, tan = math.tan,
    tanh = math.tanh,
  },
  coroutine = {
    create = create, resume = shallow_resume, running = coroutine.running, status = coroutine.status,
    wrap = shallow_wrap, yield = coroutine.yield,
  },
  -- The time, and nothing else of the system.
  os = {
    clock = os.clock, date = os.date, difftime = os.difftime, time = os.time, getenv = function() return nil end,
  },
}

local function copied(original)
  local copy = {}
  for name, value in next, original do copy[name] = value end
  return copy
end

local function environment()
  depth = 0
  local env = copied(base)
  env._G = env
  for name, library in next, libraries do env[name] = copied(library) end
  for name, value in next, offered.functions do env[name] = value end
  local loaded = {}
  env.require = function(name)
    if loaded[name] == nil then
      local module = offered.modules[name] or libraries[name]
      if module == nil then error("there is no module " .. format("%q", text_of(name)) .. "; there are json, strings, runes and sprig", 2) end
      loaded[name] = env[name] and libraries[name] and env[name] or copied(module)
    end
    return loaded[name]
  end
  return env
end

return environment
