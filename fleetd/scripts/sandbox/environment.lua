-- What a script may see. Given the limits and the modules; returns a function that makes fresh globals.
-- `limits.text`: bytes that a string function may be given or make.
local limits, offered = ...

local type, next, error, format, rep = type, next, error, string.format, string.rep

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
    local functions, modules = offered.functions, offered.modules
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

return environment
