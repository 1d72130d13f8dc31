-- Units left of each item over all places: what ATP.GET answers.
local left = {}
for item = 1, #KEYS do
    local sum = 0
    for _, units in ipairs(redis.call('HVALS', KEYS[item])) do
        sum = sum + units
    end
    left[item] = sum
end
return left
