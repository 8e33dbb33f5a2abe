setInterval(postMessage, 250, 0); // a worker: its timers go on when the page is in the background
