package dev.postern.examples.springboot;

import org.springframework.stereotype.Service;

/** Stands for the application's own work. */
@Service
class Greetings {
    String greet(String name) {
        return "Good day, " + name;
    }
}
