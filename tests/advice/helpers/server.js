// A web server on the port of its argument, or of PORT.
require('http').createServer((_, to) => to.end('the holder')).listen(process.argv[2] || process.env.PORT)
