// Names that are not taken; each is taken from then on.

/** A name that is not taken: "text", "text 2", ... */
export function unique(name, taken) {
  let free = name;
  for (let number = 2; taken.has(free); number++) free = `${name} ${number}`;
  taken.add(free);
  return free;
}

/** "group", "group_2", ... */
export function freshName(wanted, taken) {
  let name = wanted;
  for (let number = 2; taken.has(name); number++) name = `${wanted}_${number}`;
  taken.add(name);
  return name;
}
