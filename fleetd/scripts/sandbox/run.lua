-- Compiles scripts, keeps them, and runs each in globals of its own. Given what the other files returned.
local environment, answers = ...

local type, rawget, rawset, error, xpcall, pcall = type, rawget, rawset, error, xpcall, pcall
local setfenv, loadstring, collectgarbage = setfenv, loadstring, collectgarbage
local byte, match, getinfo, randomseed = string.byte, string.match, debug.getinfo, math.randomseed
local tonumber, tostring = tonumber, tostring

local MODEST = 16 * 1024 -- KiB; Lua 5.1 fails at its limit without a look at what could be freed, so freed it is in time

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
  while level do
    local frame = getinfo(level, "Sl")
    if not frame then break end
    if frame.source == "=script" and frame.currentline > 0 then return message, frame.currentline end
    level = level + 1
  end
  return message, 0
end

local function compile(source)
  -- Compiled chunks are not checked by Lua 5.1 and could do anything.
  if byte(source) == 27 then return nil, "a compiled chunk is no script", 0 end
  local chunk, message = loadstring(source, "=script")
  if chunk then return chunk end
  return nil, located(message)
end

-- nil, or an error and its line.
local function keep(key, source)
  local chunk, message, line = compile(source)
  kept[key] = { chunk = chunk, message = message, line = line }
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

local function call(entry, with_modules, names, argument, values)
  local env = environment(with_modules)
  randomseed(1) -- the same answer for the same object
  setfenv(entry.chunk, env)
  local fine, result, line = guarded(entry.chunk)
  if not fine then return nil, result, line end
  for index = 1, #names do rawset(env, names[index], values[names[index]]) end
  local evaluate = rawget(env, "evaluate")
  if type(evaluate) ~= "function" then return nil, "it defines no function evaluate()", 0 end
  fine, result, line = guarded(function() return (evaluate(argument)) end)
  if not fine then return nil, result, line end
  if type(result) ~= "table" then return nil, "evaluate() returned a " .. type(result) .. ", not a table", 0 end
  fine, result = pcall(answers.encode, result)
  if not fine then return nil, result, 0 end
  return result
end

-- JSON text; or nil, an error and its line.
local function run(key, with_modules, names, argument, values)
  local entry = kept[key]
  if not entry.chunk then return nil, entry.message, entry.line end
  if collectgarbage("count") > MODEST then collectgarbage() end
  return call(entry, with_modules, names, argument, values)
end

return { keep = keep, forget = forget, run = run, new_list = answers.new_list }
