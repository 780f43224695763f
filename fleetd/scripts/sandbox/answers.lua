-- Values of Lua as JSON. Given the limits and what is known of tables (`marks.lua`).
-- `limits.result`: bytes of JSON; `limits.values`: how many values, a table counts for four; `limits.depth`: levels.
local limits, marks = ...

local type, next, rawget, error, tostring, tonumber = type, next, rawget, error, tostring, tonumber
local floor, huge, format, lower = math.floor, math.huge, string.format, string.lower
local gsub, gmatch, concat = string.gsub, string.gmatch, table.concat
local kind_of, keys_of_nulls, sorted_keys, given = marks.kind_of, marks.keys_of_nulls, marks.sorted_keys, marks.given

-- Bytes above 127 go out as \u0080 to \u00ff each: the other side puts the bytes together again, and may mend wrong UTF-8.
local escapes = { ['"'] = '\\"', ["\\"] = "\\\\" }
for code = 0, 255 do
  local char = string.char(code)
  if code < 32 or code > 126 then escapes[char] = format("\\u%04x", code) end
end

local function quoted(text)
  return '"' .. gsub(text, '[%c"\\\127-\255]', escapes) .. '"'
end

local function number_text(number)
  if number ~= number or number == huge or number == -huge then error("a number in it is not finite", 0) end
  if number == floor(number) and number > -2 ^ 63 and number < 2 ^ 63 then return format("%.0f", number + 0) end
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
  if largest > 2 * count + 100 then error("a list in it has more holes than elements", 0) end
  return largest
end

-- What an empty table of a script is in Kubernetes, where its name tells.
local EMPTY = {}
for name in gmatch([[annotations binaryData data emptyDir labels limits matchLabels metadata namespaceSelector nodeSelector parameters
  podSelector requests securityContext selector spec status stringData]], "%S+") do EMPTY[name] = "{}" end
for name in gmatch([[addresses apiGroups args command conditions containers endpoints env envFrom finalizers hosts imagePullSecrets
  initContainers items ownerReferences ports resourceNames rules subjects subsets tls tolerations verbs volumeMounts volumes]], "%S+") do
  EMPTY[name] = "[]"
end

local encode

local function encode_list(value, largest, out, depth)
  for _, key in next, keys_of_nulls(value) or {} do
    if key == largest + 1 then largest = key end
  end
  out[#out + 1] = "["
  for index = 1, largest do
    if index > 1 then out[#out + 1] = "," end
    encode(rawget(value, index), out, depth + 1)
  end
  out[#out + 1] = "]"
end

local function encode_map(value, out, depth)
  local first = "{"
  for _, key in next, sorted_keys(value) do
    local kind = type(key)
    if kind ~= "string" and kind ~= "number" and kind ~= "boolean" then error("a key in it is a " .. kind, 0) end
    out[#out + 1] = first .. quoted(tostring(key)) .. ":"
    first = ","
    encode(rawget(value, key), out, depth + 1, EMPTY[key])
  end
  for _, key in next, keys_of_nulls(value) or {} do
    if rawget(value, key) == nil then
      out[#out + 1] = first .. quoted(key) .. ":null"
      first = ","
    end
  end
  out[#out + 1] = first == "{" and "{}" or "}"
end

local function add(text, out, values)
  out.size = out.size + #text
  out.values = out.values + values
  local bytes, values_allowed = limits.result + given.bytes, limits.values + given.values
  if out.size > bytes then error("it is larger than " .. bytes .. " bytes", 0) end
  if out.values > values_allowed then error("it holds more than " .. values_allowed .. " values", 0) end
  out[#out + 1] = text
end

local function encode_table(value, out, depth, empty)
  add("", out, 4)
  out.size = out.size + 2
  local kind, largest = kind_of(value), largest_index(value)
  if largest > 0 or kind == "list" then encode_list(value, largest, out, depth)
  elseif next(value) == nil and kind ~= "map" then out[#out + 1] = empty or out.empty
  else encode_map(value, out, depth) end
end

function encode(value, out, depth, empty)
  if depth > limits.depth then error("it is nested deeper than " .. limits.depth .. " levels", 0) end
  local kind = type(value)
  if kind == "string" then add(quoted(value), out, 1)
  elseif kind == "number" then add(number_text(value), out, 1)
  elseif kind == "boolean" then add(tostring(value), out, 1)
  elseif kind == "nil" then add("null", out, 1)
  elseif kind == "table" then encode_table(value, out, depth, empty)
  else error("a " .. kind .. " stands in it", 0) end
end

-- Any value. `empty` is what an empty table is that may be either, `{}` or `[]`.
local function encoded(value, empty)
  local out = { size = 0, values = 0, empty = empty }
  encode(value, out, 0)
  return concat(out)
end

-- The fields of a table with these names (in lower case, whatever the case in the table), and the other names, up to four.
-- nil for a list.
local function encoded_fields(value, names)
  local out = { size = 0, values = 0, empty = "{}" }
  local others, some = {}, false
  for _, key in next, sorted_keys(value) do
    if type(key) == "string" and names[lower(key)] then
      out[#out + 1] = (some and "," or "{") .. quoted(key) .. ":"
      some = true
      encode(value[key], out, 1)
    elseif #others < 4 then
      others[#others + 1] = quoted(tostring(key))
    end
  end
  if not some and rawget(value, 1) ~= nil then return nil end
  out[#out + 1] = some and "}" or "{}"
  return concat(out), others
end

return { encoded = encoded, encoded_fields = encoded_fields, quoted = quoted }
