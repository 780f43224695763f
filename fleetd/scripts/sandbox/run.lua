-- Compiles scripts, keeps them, and runs each in globals of its own. Given what the other files returned.
local environment, answers, marks = ...

local type, rawget, rawset, next, xpcall, pcall = type, rawget, rawset, next, xpcall, pcall
local setfenv, loadstring, collectgarbage = setfenv, loadstring, collectgarbage
local byte, find, match, getinfo, randomseed, concat = string.byte, string.find, string.match, debug.getinfo, math.randomseed, table.concat
local tonumber, tostring = tonumber, tostring
local quoted = answers.quoted

local MODEST = 16 * 1024 -- KiB; Lua fails at its limit without a look at what could be freed, so freed it is in time

local kept = {}

-- A message without its position, and the line of the script that it came from (0 when there is none).
local function located(message, level)
  if type(message) == "number" then message = tostring(message) end
  if type(message) == "table" then
    local text = rawget(message, "message")
    message = type(text) == "string" and text or "the error is a table without a message"
  elseif type(message) ~= "string" then
    message = "the error is a " .. type(message)
  end
  local line, text = match(message, "^script:(%d+): (.*)$")
  if line then return text, tonumber(line) end
  message = match(message, "^fleetd:%d+: (.*)$") or message
  while level do
    local frame = getinfo(level, "Sl")
    if not frame then break end
    if frame.source == "=script" and frame.currentline > 0 then return message, frame.currentline end
    level = level + 1
  end
  return message, 0
end

local function compile(source)
  -- Compiled chunks are not checked by Lua and could do anything.
  if byte(source) == 27 then return nil, "a compiled chunk is no script", 0 end
  local chunk, message = loadstring(source, "=script")
  if chunk then return chunk end
  return nil, located(message)
end

-- nil, or an error and its line.
local function keep(key, source)
  local chunk, message, line = compile(source)
  kept[key] = { chunk = chunk, message = message, line = line, hidden = find(source, "local%s+function%s+evaluate%f[%W]") }
  if not chunk then return message, line end
end

local function forget()
  kept = {}
end

local function guarded(work)
  local line = 0
  local fine, result = xpcall(work, function(message)
    local text
    text, line = located(message, 2)
    return text
  end)
  if fine or line > 0 then return fine, result, line end
  return fine, located(result)
end

local function listed(name, texts)
  if #texts == 0 then return "" end
  return ',"' .. name .. '":[' .. concat(texts, ",") .. "]"
end

local function missing()
  local paths = marks.missing()
  for index = 1, #paths do paths[index] = quoted(paths[index]) end
  return listed("missing", paths)
end

local function failed(message, line)
  return '{"error":' .. quoted(message) .. ',"line":' .. line .. missing() .. "}"
end

-- What stands in the result under a name, whatever its case there.
local function truth(result, name)
  if rawget(result, name) ~= nil then return rawget(result, name) end
  for key, value in next, result do
    if type(key) == "string" and key:lower() == name then return value end
  end
end

local function answered(result, contract)
  if contract.listed then
    local fine, text = pcall(answers.encoded, result, "{}")
    if not fine then return failed("the result cannot be taken: " .. text, 0) end
    return '{"value":' .. text .. "}"
  end
  local fine, text, others = pcall(answers.encoded_fields, result, contract.names)
  if not fine then return failed("the result cannot be taken: " .. text, 0) end
  if not text then return failed("evaluate() returned a list", 0) end
  if contract.verdict == "" or truth(result, contract.verdict) == true then return '{"value":' .. text .. listed("others", others) .. "}" end
  return '{"value":' .. text .. listed("others", others) .. missing() .. "}"
end

local function without_evaluate(entry, returned)
  if entry.hidden then return "it defines no function evaluate() that can be called: take away the word local" end
  if returned ~= nil then return "it defines no function evaluate(): what its body returns is not read, put it into the function" end
  return "it defines no function evaluate()"
end

local function call(entry, contract, values)
  local env = environment()
  randomseed(1) -- the same answer for the same object
  setfenv(entry.chunk, env)
  local fine, result, line = guarded(entry.chunk)
  if not fine then return failed(result, line) end
  for name, value in next, values do rawset(env, name, value) end
  local evaluate = rawget(env, "evaluate")
  if type(evaluate) ~= "function" then return failed(without_evaluate(entry, result), 0) end
  local argument = values[contract.first]
  fine, result, line = guarded(function() return (evaluate(argument)) end)
  if not fine then return failed(result, line) end
  if type(result) ~= "table" then return failed("evaluate() returned " .. (result == nil and "nothing" or "a " .. type(result)), 0) end
  return answered(result, contract)
end

-- JSON: `value`, and where it says no `missing`, or else `error` and `line`.
local function run(key, contract, values)
  local entry = kept[key]
  if not entry.chunk then return '{"error":' .. quoted(entry.message) .. ',"line":' .. entry.line .. "}" end
  if collectgarbage("count") > MODEST then collectgarbage() end
  return call(entry, contract, values)
end

return { keep = keep, forget = forget, run = run, watch = marks.watch, new_list = marks.new_list, with_nulls = marks.with_nulls }
