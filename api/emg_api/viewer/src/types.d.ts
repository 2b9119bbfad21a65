// What the bundler makes of a style sheet: nothing that a module sees.
declare module "*.css";
