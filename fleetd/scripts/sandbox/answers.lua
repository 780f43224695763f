-- A table of Lua as JSON. Given the limits; returns the encoder and a maker of lists that stay lists when they are empty.
-- `limits.result`: bytes of JSON; `limits.depth`: levels.
local limits = ...

local type, next, rawget, error, tostring, tonumber = type, next, rawget, error, tostring, tonumber
local setmetatable, getmetatable = setmetatable, debug.getmetatable
local floor, huge, format, gsub, concat = math.floor, math.huge, string.format, string.gsub, table.concat

local LIST = { __metatable = false }

local function new_list()
  return setmetatable({}, LIST)
end

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
    elseif next(value) == nil and getmetatable(value) == LIST then out[#out + 1] = "[]"
    else encode_map(value, out, depth) end
  else error("a " .. kind .. " stands in the result", 0) end
end

local function encoded(value)
  local out = { size = 0 }
  encode(value, out, 0)
  return concat(out)
end

return { encode = encoded, new_list = new_list }
