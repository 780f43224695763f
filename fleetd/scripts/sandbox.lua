-- What a script may see, and how it is run. Loaded once a child; returns `compile`, `forget` and `run`.
-- `limits`: text (bytes that a string function may be given or make), result (bytes of the answer's JSON), depth (of the answer).
local limits, modules_of = ...

local type, next, rawget, rawset, select = type, next, rawget, rawset, select
local error, pcall, xpcall, tostring, setmetatable = error, pcall, xpcall, tostring, setmetatable
local setfenv, loadstring, collectgarbage = setfenv, loadstring, collectgarbage
local concat, floor, huge = table.concat, math.floor, math.huge
local byte, find, format, gsub, match, rep = string.byte, string.find, string.format, string.gsub, string.match, string.rep
local getinfo, randomseed = debug.getinfo, math.randomseed

-- Lists that came in keep this mark, so that an empty one goes out as a list again.
local LIST = { __metatable = false }

local function new_list()
  return setmetatable({}, LIST)
end

-- Strings ------------------------------------------------------------------------------------------------------------

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

local strings = {
  byte = string.byte, char = string.char, format = string.format, len = string.len, lower = string.lower,
  reverse = string.reverse, sub = string.sub, upper = string.upper, rep = bounded_rep,
  find = bounded("find", string.find), match = bounded("match", string.match),
  gmatch = bounded("gmatch", string.gmatch), gsub = bounded("gsub", string.gsub),
}

-- Methods of strings reach their own copy, which no script can name and so none can change.
local string_methods = {}
for name, value in next, strings do string_methods[name] = value end
local string_metatable = getmetatable("")
string_metatable.__index = string_methods
string_metatable.__metatable = false

-- Environment --------------------------------------------------------------------------------------------------------

local base = {
  assert = assert, error = error, getmetatable = getmetatable, ipairs = ipairs, next = next, pairs = pairs, pcall = pcall,
  print = function() end, rawequal = rawequal, rawget = rawget, rawset = rawset, select = select,
  setmetatable = setmetatable, tonumber = tonumber, tostring = tostring, type = type, unpack = unpack, xpcall = xpcall,
  _VERSION = _VERSION,
}

local libraries = {
  string = strings,
  table = {
    concat = table.concat, getn = table.getn, insert = table.insert, maxn = table.maxn, remove = table.remove,
    sort = table.sort,
  },
  math = {
    abs = math.abs, acos = math.acos, asin = math.asin, atan = math.atan, atan2 = math.atan2, ceil = math.ceil,
    cos = math.cos, cosh = math.cosh, deg = math.deg, exp = math.exp, floor = math.floor, fmod = math.fmod,
    frexp = math.frexp, huge = math.huge, ldexp = math.ldexp, log = math.log, log10 = math.log10, max = math.max,
    min = math.min, mod = math.mod, modf = math.modf, pi = math.pi, pow = math.pow, rad = math.rad,
    random = math.random, sin = math.sin, sinh = math.sinh, sqrt = math.sqrt, tan = math.tan, tanh = math.tanh,
  },
}

local function copied(original)
  local copy = {}
  for name, value in next, original do copy[name] = value end
  return copy
end

local function environment(with_modules)
  local env = copied(base)
  env._G = env
  for name, library in next, libraries do env[name] = copied(library) end
  if with_modules then
    local functions, modules = modules_of.functions, modules_of.modules
    for name, value in next, functions do env[name] = value end
    local loaded = {}
    env.require = function(name)
      if loaded[name] == nil then
        local module = modules[name]
        if module == nil then error("there is no module " .. format("%q", tostring(name)), 2) end
        loaded[name] = copied(module)
      end
      return loaded[name]
    end
  end
  return env
end

-- Answers as JSON ----------------------------------------------------------------------------------------------------

-- Bytes above 127 go out as \u0080 to \u00ff each: the other side puts the bytes together again, and may mend wrong UTF-8.
local escapes = { ['"'] = '\\"', ["\\"] = "\\\\" }
for code = 0, 255 do
  local char = string.char(code)
  if code < 32 or code > 126 then escapes[char] = format("\\u%04x", code) end
end

local function quoted(text)
  return '"' .. gsub(text, '[%c"\\\128-\255]', escapes) .. '"'
end

local function number_text(number)
  if number ~= number or number == huge or number == -huge then error("a number in the result is not finite", 0) end
  if number == floor(number) and number > -1e15 and number < 1e15 then return format("%d", number) end
  local short = format("%.15g", number)
  return tonumber(short) == number and short or format("%.17g", number)
end

local function largest_index(value)
  local largest, count = 0, 0
  for key in next, value do
    if type(key) == "number" and key > 0 and key == floor(key) then
      count = count + 1
      if key > largest then largest = key end
    end
  end
  if largest > 2 * count + 100 then error("a list in the result has more holes than elements", 0) end
  return largest
end

local encode

local function encode_list(value, largest, out, depth)
  out[#out + 1] = "["
  for index = 1, largest do
    if index > 1 then out[#out + 1] = "," end
    encode(rawget(value, index), out, depth + 1)
  end
  out[#out + 1] = "]"
end

local function encode_map(value, out, depth)
  out[#out + 1] = "{"
  local first = true
  for key, element in next, value do
    local kind = type(key)
    if kind ~= "string" and kind ~= "number" and kind ~= "boolean" then error("a key in the result is a " .. kind, 0) end
    if not first then out[#out + 1] = "," end
    first = false
    out[#out + 1] = quoted(tostring(key)) .. ":"
    encode(element, out, depth + 1)
  end
  out[#out + 1] = "}"
end

local function add(text, out)
  out.size = out.size + #text
  if out.size > limits.result then error("the result is larger than " .. limits.result .. " bytes", 0) end
  out[#out + 1] = text
end

function encode(value, out, depth)
  if depth > limits.depth then error("the result is nested deeper than " .. limits.depth .. " levels", 0) end
  local kind = type(value)
  if kind == "string" then add(quoted(value), out)
  elseif kind == "number" then add(number_text(value), out)
  elseif kind == "boolean" then add(tostring(value), out)
  elseif kind == "nil" then add("null", out)
  elseif kind == "table" then
    add("", out)
    out.size = out.size + 2
    local largest = largest_index(value)
    if largest > 0 then encode_list(value, largest, out, depth)
    elseif next(value) == nil and debug_getmetatable(value) == LIST then out[#out + 1] = "[]"
    else encode_map(value, out, depth) end
  else error("a " .. kind .. " stands in the result", 0) end
end
